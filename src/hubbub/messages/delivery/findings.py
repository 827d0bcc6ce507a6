"""What can be wrong with a gateway, and what its owner has to change."""

from collections.abc import Mapping, Sequence

from hubbub.messages.delivery.types import Answer, Fault, NoAnswer, Pause, Retry
from hubbub.messages.types import Finding

ADVICE: dict[Finding, str] = {
    Finding.HOOKS_DISABLED: "The gateway has no hooks at this address. Set hooks.enabled and"
    " hooks.token in its configuration, and give gateway_url without /hooks.",
    Finding.CHAT_DISABLED: "The gateway has no chat at this address. Set"
    " gateway.http.endpoints.chatCompletions.enabled in its configuration, and give gateway_url"
    " without /v1.",
    Finding.WRONG_TOKEN: "The gateway doesn't know the token. Give the present one as"
    " gateway_token: hooks.token for the kind openclaw, gateway.auth.token for openclaw-chat.",
    Finding.GATEWAY_TOKEN_GIVEN: "The token is the gateway's own (gateway.auth.token). The kind"
    " openclaw takes the one of its hooks (hooks.token), which can do less.",
    Finding.HOOKS_TOKEN_GIVEN: "The token is that of the hooks (hooks.token). The kind"
    " openclaw-chat takes the gateway's own (gateway.auth.token); or change the kind to openclaw.",
    Finding.TOKEN_UNREADABLE: "The stored secrets of this gateway can't be decrypted any more. Give"
    " gateway_token anew, or make a new signing secret.",
    Finding.SESSION_KEYS_NOT_ALLOWED: "The gateway takes no session keys from outside. Set"
    " hooks.allowRequestSessionKey to true in its configuration.",
    Finding.NO_PREFIXES: "The gateway keeps no sessions for hooks yet. List the beginning of this"
    " agent's session_key in hooks.allowedSessionKeyPrefixes in its configuration.",
    Finding.PREFIX_MISSING: "The gateway doesn't allow this agent's session_key. Add its beginning"
    " to hooks.allowedSessionKeyPrefixes in the gateway's configuration, or change session_key.",
    Finding.SESSION_KEY_REFUSED: "The gateway keeps session keys of this form for itself. Choose"
    " another session_key.",
    Finding.AGENT_NEEDED: "The gateway has several agents. Write session_key as agent:AGENT:NAME,"
    " with the id of the one that is meant.",
    Finding.UNKNOWN_AGENT: "The gateway has no agent of the id in session_key (agent:ID:…), or"
    " doesn't let it be reached this way.",
    Finding.MODEL_REFUSED: "The gateway is reached, and the provider of its model refuses it."
    " Give it a valid key, with credit, in the gateway's configuration.",
    Finding.NOT_OPENCLAW: "What answers at gateway_url is no gateway of OpenClaw.",
    Finding.STARTING: "The gateway is still starting. Try again in a moment.",
    Finding.BUSY: "The session is busy with another message. Nothing has to be changed.",
    Finding.BAD_REQUEST: "The gateway can't use what the hub sends. Its answer may say why.",
    Finding.UNAUTHORIZED: "The receiver refuses the signature or wants another credential. Check"
    " that it verifies with the present signing secret of this agent.",
    Finding.FORBIDDEN: "The gateway forbids this. Check its token and what that may do.",
    Finding.NOT_FOUND: "There is nothing at gateway_url. Correct its path.",
    Finding.METHOD_NOT_ALLOWED: "Nothing takes a POST at gateway_url. Correct its path.",
    Finding.GONE: "The receiver says that it is gone for good. Give another gateway_url.",
    Finding.TOO_LARGE: "The gateway takes no requests of this size. Raise its limit.",
    Finding.REDIRECTED: "The gateway sends the hub elsewhere, where it doesn't follow. Give the"
    " final address as gateway_url.",
    Finding.REFUSED: "The gateway refuses what the hub sends. Its answer may say why.",
    Finding.THROTTLED: "The gateway has had too many requests. Nothing has to be changed unless it"
    " goes on: then look for wrong tokens from elsewhere.",
    Finding.TRY_LATER: "The gateway can't take it at the moment. The hub tries again by itself.",
    Finding.SERVER_ERROR: "The gateway failed. Its own log says why.",
    Finding.BAD_URL: "gateway_url can't be called. Write it as http:// or https:// with a host and"
    " without user and password.",
    Finding.REFUSED_BY_OUR_RULES: "This hub doesn't call the address that gateway_url leads to.",
    Finding.UNRESOLVED: "The name in gateway_url has no address. Check how it is written.",
    Finding.UNREACHABLE: "Nothing listens at gateway_url, or a firewall is in between. Start the"
    " gateway, and check host and port.",
    Finding.TLS_FAILED: "The certificate at gateway_url doesn't hold for it, or there is no TLS."
    " Renew it, or correct the address.",
    Finding.TIMEOUT: "The gateway took the request and didn't answer in time.",
    Finding.CUT: "The gateway hung up before it had answered.",
    Finding.NOT_HTTP: "What answers at gateway_url doesn't speak HTTP. Check the port, and whether"
    " it takes http or https.",
}

_FAULTS = {
    Fault.BAD_URL: Finding.BAD_URL,
    Fault.ADDRESS_REFUSED: Finding.REFUSED_BY_OUR_RULES,
    Fault.UNRESOLVED: Finding.UNRESOLVED,
    Fault.UNREACHABLE: Finding.UNREACHABLE,
    Fault.TLS_FAILED: Finding.TLS_FAILED,
    Fault.TIMEOUT: Finding.TIMEOUT,
    Fault.CUT: Finding.CUT,
    Fault.NOT_HTTP: Finding.NOT_HTTP,
}
_STATUSES = {
    400: Finding.BAD_REQUEST,
    401: Finding.UNAUTHORIZED,
    403: Finding.FORBIDDEN,
    404: Finding.NOT_FOUND,
    405: Finding.METHOD_NOT_ALLOWED,
    408: Finding.TRY_LATER,
    409: Finding.TRY_LATER,
    410: Finding.GONE,
    413: Finding.TOO_LARGE,
    425: Finding.TRY_LATER,
    429: Finding.THROTTLED,
    503: Finding.TRY_LATER,
}
PASSING = frozenset({408, 409, 425, 429})
"""With all from 500 on: these pass by themselves."""


def finding_of(
    answer: Answer | NoAnswer,
    sentences: Sequence[tuple[str, Finding]] = (),
    statuses: Mapping[int, Finding] | None = None,
) -> Finding:
    """What can be told of any server, and before that what its kind is known to say."""
    if isinstance(answer, NoAnswer):
        return _FAULTS[answer.fault]
    if answer.is_success:
        return Finding.OK
    said = answer.body.decode(errors="replace") if sentences else ""
    for sentence, finding in sentences:
        if sentence in said:
            return finding
    return (statuses or {}).get(answer.status) or _by_status(answer)


def _by_status(answer: Answer) -> Finding:
    if 300 <= answer.status <= 399:
        return Finding.REDIRECTED
    if answer.status in _STATUSES:
        return _STATUSES[answer.status]
    return Finding.SERVER_ERROR if answer.status >= 500 else Finding.REFUSED


def advice_for(finding: Finding, answer: Answer | NoAnswer) -> str:
    known = answer.advice if isinstance(answer, NoAnswer) else None
    return known or ADVICE[finding]


def retry_or_pause(answer: Answer | NoAnswer, finding: Finding) -> Retry | Pause:
    """For whatever isn't a success, where trying twice does no harm."""
    if isinstance(answer, NoAnswer):
        passes = answer.fault not in {Fault.BAD_URL, Fault.ADDRESS_REFUSED}
        after = None
    else:
        passes = answer.status in PASSING or answer.status >= 500
        after = answer.retry_after
    return Retry(finding, after) if passes else Pause(finding, advice_for(finding, answer))
