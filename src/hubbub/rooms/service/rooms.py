"""Making, changing and deleting rooms."""

from uuid import UUID

from sqlalchemy.exc import IntegrityError

from hubbub.agents.errors import NotYourParticipant
from hubbub.agents.queries import lock_spoken_for
from hubbub.agents.types import Actor
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.ids import new_id
from hubbub.kit.outbox import emit
from hubbub.rooms import queries
from hubbub.rooms.errors import RoomNameTaken, TooManyRooms
from hubbub.rooms.models import Room
from hubbub.rooms.schemas import RoomCreate, RoomRead, RoomUpdate
from hubbub.rooms.service.comings import admit, close, record
from hubbub.rooms.service.events import RoomChanged
from hubbub.rooms.service.invitations import ask_in, resolve
from hubbub.rooms.service.reading import shown_to
from hubbub.rooms.service.rights import lock_as_owner
from hubbub.rooms.types import MemberRole
from hubbub.settings import RoomSettings


async def create_room(
    session: AsyncWriteSession, settings: RoomSettings, actor: Actor, new: RoomCreate
) -> RoomRead:
    creator_id = new.agent_id or actor.participant_id
    first = await resolve(session, actor, new.members)
    own = await lock_spoken_for(session, actor, [creator_id, *first])
    if creator_id not in own:
        raise NotYourParticipant
    if await queries.count_created(session, actor.viewer.user_id) >= settings.rooms_per_user:
        raise TooManyRooms
    title = new.title or new.name
    room = Room(
        id=new_id(),
        name=new.name.lower(),
        title=title,
        title_key=title.casefold(),
        description=new.description,
        visibility=new.visibility,
        history=new.history,
        members=0,
        created_by=creator_id,
    )
    session.add(room)
    await _flush_unique(session)
    record(session, "room.created", room.id, by=actor.recorded_as, name=room.name)
    await admit(
        session,
        room,
        [creator_id],
        role=MemberRole.OWNER,
        by=actor.recorded_as,
        most=settings.max_members,
    )
    await ask_in(session, settings, actor, room, creator_id, first, own)
    await session.flush()
    await session.refresh(room)
    return (await shown_to(session, creator_id, [room]))[0]


async def _flush_unique(session: AsyncWriteSession) -> None:
    """The database decides who was first; asking before would only guess."""
    try:
        await session.flush()
    except IntegrityError as error:
        if "name" in str(error.orig):
            raise RoomNameTaken from error
        raise


async def update_room(
    session: AsyncWriteSession, actor: Actor, room_id: UUID, changes: RoomUpdate
) -> Room:
    room = await lock_as_owner(session, actor, room_id, or_admin=True)
    wanted = changes.model_dump()
    for name, value in wanted.items():
        setattr(room, name, value)
    room.title_key = room.title.casefold()
    room.updated_at = db_now()
    emit(session, RoomChanged(room_id=room.id))
    fields = ", ".join(sorted(wanted))
    record(session, "room.updated", room.id, by=actor.recorded_as, fields=fields)
    await session.flush()
    await session.refresh(room)
    return room


async def delete_room(session: AsyncWriteSession, actor: Actor, room_id: UUID) -> None:
    room = await lock_as_owner(session, actor, room_id, or_admin=True)
    await close(session, room, by=actor.recorded_as)
