"""The headers of a request as the server read them, put in order once for all who look."""

from collections.abc import Mapping

from starlette.types import Scope

type RawHeaders = Mapping[bytes, bytes]


def headers_of(scope: Scope) -> RawHeaders:
    """Of a header that came twice the first one counts, as with Starlette's."""
    state = scope.setdefault("state", {})
    found: RawHeaders | None = state.get("headers")
    if found is None:
        found = state["headers"] = dict(reversed(scope["headers"]))
    return found
