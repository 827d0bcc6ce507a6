"""`/exports/{kind}`: a route for each kind, so that each says in the document what it has."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import structlog
from fastapi import Depends, Query, Response
from starlette.requests import HTTPConnection

from hubbub.activity.service import record
from hubbub.agents.dependencies import CurrentActor
from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.exports import service
from hubbub.exports.errors import TooManyExports
from hubbub.exports.service import Kind
from hubbub.exports.state import Gate
from hubbub.exports.types import Compress, Format
from hubbub.kit.db.database import DatabaseUnavailable
from hubbub.kit.db.spans import Span
from hubbub.kit.http.dependencies import CurrentResources
from hubbub.kit.http.download import Download, to_be_saved
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.schema import UtcDatetime
from hubbub.users.errors import AdminsOnly

log = structlog.get_logger()
router = ApiRouter(prefix="/exports", tags=["Exports"])

_GZIP = "application/gzip"
_TEXT = {"schema": {"type": "string"}}
_CONTENT = {
    **{each.media_type.partition(";")[0]: _TEXT for each in Format},
    _GZIP: {"schema": {"type": "string", "format": "binary"}},
}
_DESCRIPTION = """{whose}

The columns: {columns}.

All rows of one moment, the oldest first, however many there are. CSV has a first row with the names
of the columns, and an apostrophe before each cell that a spreadsheet would take for a formula; JSON
Lines has what was stored. An export that isn't whole ends without the end that HTTP asks for. That
it was made is written down."""


async def get_gate(connection: HTTPConnection) -> Gate:
    gate: Gate = connection.app.state.exports
    return gate


CurrentGate = Annotated[Gate, Depends(get_gate)]
type Route = Callable[..., Awaitable[Response]]


def _route(kind: Kind) -> Route:
    async def export(
        actor: CurrentActor,
        resources: CurrentResources,
        gate: CurrentGate,
        format: Annotated[Format, Query(description="How it is written.")] = Format.CSV,  # noqa: A002 - what callers write
        compress: Annotated[
            Compress, Query(description="`gzip`: the file itself is compressed.")
        ] = Compress.NONE,
        since: Annotated[UtcDatetime | None, Query(description="Made then or later.")] = None,
        until: Annotated[UtcDatetime | None, Query(description="Made before then.")] = None,
        mine: Annotated[
            bool, Query(description="As an admin: what you would get if you were none.")
        ] = False,
    ) -> Response:
        sheet = kind.for_(actor, Span(since, until), mine=mine)
        gate.enter()
        try:
            async with resources.database.write() as session:
                record(
                    session,
                    "export.begun",
                    actor_id=actor.recorded_as,
                    kind=kind.name,
                    format=format.value,
                    mine=mine,
                )
            table = await service.begin(resources.settings, sheet, format, compress)
        except BaseException:
            gate.leave()
            raise

        async def close() -> None:
            gate.leave()
            await table.close()

        packed = compress is Compress.GZIP
        today = resources.clock.now().date().isoformat()
        return Download(
            table.content(),
            close,
            headers={
                "Content-Disposition": to_be_saved(
                    f"{kind.name}-{today}.{format}{'.gz' if packed else ''}"
                )
            },
            media_type=_GZIP if packed else format.media_type,
            stall_seconds=resources.settings.exports.stall_seconds,
            max_seconds=resources.settings.exports.max_seconds,
        )

    return export


for each in service.KINDS.values():
    forbidden = (AdminsOnly,) if each.admins_only else ()
    router.add_api_route(
        f"/{each.name}",
        _route(each),
        name=f"export_{each.name}",
        summary=f"Export {each.name}",
        description=_DESCRIPTION.format(
            whose=each.whose,
            columns=", ".join(f"`{name}`" for name in each.sheet(None, Span()).names),
        ),
        response_class=Response,
        responses=responses(
            InvalidToken, ScopeMissing, *forbidden, TooManyExports, DatabaseUnavailable
        )
        | {200: {"content": _CONTENT, "description": "A file to be saved."}},
    )
