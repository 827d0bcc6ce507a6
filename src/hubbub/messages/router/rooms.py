from typing import Annotated, Literal

from fastapi import Query, Request

from hubbub.agents.dependencies import CurrentActor, actor_of_scope
from hubbub.kit.http.dependencies import CurrentResources
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.messages.dependencies import CurrentMessages
from hubbub.messages.errors import CursorReset, NotInRoom
from hubbub.messages.schemas import Cursor, RoomPage
from hubbub.messages.service import history as service
from hubbub.rooms.dependencies import IN_ROOM, RoomId

router = ApiRouter(prefix="/rooms/{room_id}/messages", tags=["Rooms"])


@router.get(
    "",
    summary="Read what was said in a room",
    description="As its members may read it: all of it, or from joining on. In the room's order"
    " after a cursor, or the last ones before another. With `wait`, an empty page is held back"
    " until something is said or the seconds are over.",
    responses=responses(*IN_ROOM, NotInRoom, CursorReset),
)
async def read_room_messages(
    request: Request,
    room_id: RoomId,
    _: CurrentActor,
    resources: CurrentResources,
    messages: CurrentMessages,
    after: Annotated[Cursor | None, Query(description="`next_cursor` of the page before.")] = None,
    before: Annotated[
        Cursor | Literal["end"] | None,
        Query(description="`previous_cursor` of the page after, or `end`: pages backwards."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    wait: Annotated[float, Query(ge=0, le=60, description="Seconds; not with `before`.")] = 0,
) -> RoomPage:
    async def page(cursor: str | None) -> RoomPage:
        # a session for each look: none is held while waiting, and who has left, or whose
        # credential has ended, reads no more
        actor = await actor_of_scope(request.scope)
        async with resources.database.read() as session:
            return await service.read_page(
                session,
                actor,
                messages.epoch,
                room_id,
                after=cursor,
                before=before,
                limit=limit,
            )

    seconds = wait if before is None else 0
    return await messages.watch.until_entries(room_id, page, after, seconds)
