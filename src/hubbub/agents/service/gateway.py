"""How an agent is reached: which kind of gateway needs what, and when its token may be kept."""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit
from uuid import UUID

from hubbub.agents.errors import GatewayIncomplete, GatewayTokenRequired
from hubbub.agents.models import Agent
from hubbub.agents.schemas import origin
from hubbub.agents.types import GatewayKind
from hubbub.kit.crypto import Safe

_OPENCLAW = frozenset({GatewayKind.OPENCLAW, GatewayKind.OPENCLAW_CHAT})
_NEEDS: dict[GatewayKind, frozenset[str]] = {
    GatewayKind.NONE: frozenset(),
    GatewayKind.OPENCLAW: frozenset({"gateway_url", "gateway_token"}),
    GatewayKind.OPENCLAW_CHAT: frozenset({"gateway_url", "gateway_token"}),
    GatewayKind.WEBHOOK: frozenset({"gateway_url"}),
}
_TAKES = {
    kind: needs | ({"session_key"} if kind in _OPENCLAW else set())
    for kind, needs in _NEEDS.items()
}
_ALL = ("gateway_url", "gateway_token", "session_key")


@dataclass(frozen=True, slots=True)
class Gateway:
    kind: GatewayKind = GatewayKind.NONE
    url: str | None = None
    has_token: bool = False
    session_key: str | None = None


def gateway_of(agent: Agent) -> Gateway:
    has_token = agent.gateway_token is not None
    return Gateway(agent.gateway_kind, agent.gateway_url, has_token, agent.session_key)


def changed(
    before: Gateway,
    handle: str,
    *,
    kind: GatewayKind | None = None,
    url: str | None = None,
    gives_token: bool = False,
    session_key: str | None = None,
) -> Gateway:
    """The gateway with what was given; raises where that doesn't make a whole one."""
    kind = kind or before.kind
    given = dict(zip(_ALL, (url, gives_token, session_key), strict=True))
    for name, value in given.items():
        if value and name not in _TAKES[kind]:
            msg = f"The kind {kind} takes no {name}."
            raise GatewayIncomplete(msg)
    keeps_token = before.has_token and not gives_token and "gateway_token" in _TAKES[kind]
    if keeps_token and url and before.url and origin(url) != origin(before.url):
        raise GatewayTokenRequired
    after = Gateway(
        kind,
        url or before.url,
        gives_token or before.has_token,
        session_key or _kept_session_key(before, kind, handle),
    )
    return _checked(_stripped(after))


def _kept_session_key(before: Gateway, kind: GatewayKind, handle: str) -> str | None:
    """The default of one kind isn't that of another; what somebody chose stays."""
    chosen = before.session_key != default_session_key(before.kind, handle)
    if before.session_key is not None and chosen:
        return before.session_key
    return default_session_key(kind, handle)


def default_session_key(kind: GatewayKind, handle: str) -> str | None:
    if kind is GatewayKind.OPENCLAW:
        return f"hook:hub:{handle}"
    if kind is GatewayKind.OPENCLAW_CHAT:
        return f"agent:main:hub-{handle}"
    return None


def _stripped(gateway: Gateway) -> Gateway:
    """Without what its kind doesn't take: it is left over from the kind before."""
    takes = _TAKES[gateway.kind]
    return replace(
        gateway,
        url=gateway.url if "gateway_url" in takes else None,
        has_token=gateway.has_token and "gateway_token" in takes,
        session_key=gateway.session_key if "session_key" in takes else None,
    )


def _checked(gateway: Gateway) -> Gateway:
    has = {"gateway_url": gateway.url is not None, "gateway_token": gateway.has_token}
    missing = sorted(name for name in _NEEDS[gateway.kind] if not has[name])
    if missing:
        msg = f"The kind {gateway.kind} needs {' and '.join(missing)}."
        raise GatewayIncomplete(msg)
    if gateway.url and gateway.kind in _OPENCLAW and urlsplit(gateway.url).query:
        msg = "The URL of an OpenClaw gateway has nothing behind a question mark."
        raise GatewayIncomplete(msg)
    return gateway


def put_gateway(agent: Agent, gateway: Gateway, safe: Safe, token: str | None) -> None:
    """Writes it to the agent, whose id is known: the token is sealed to that very row."""
    agent.gateway_kind = gateway.kind
    agent.gateway_url = gateway.url
    agent.session_key = gateway.session_key
    if not gateway.has_token:
        agent.gateway_token = None
    elif token is not None:
        agent.gateway_token = safe.seal(token, *_PLACE, agent.id)


def gateway_token(agent_id: UUID, sealed: bytes | None, safe: Safe) -> str | None:
    """In the clear, for whoever pushes to the gateway and for nobody else."""
    return None if sealed is None else safe.open(sealed, *_PLACE, agent_id)


_PLACE = ("agent", "gateway_token")
