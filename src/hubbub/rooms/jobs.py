from sqlalchemy import delete

from hubbub.agents.service.changes import AgentDeleted
from hubbub.kit.jobs import JobContext, job
from hubbub.notifications.service import notify
from hubbub.rooms import queries
from hubbub.rooms.models import RoomInvite
from hubbub.rooms.service.events import RoomInvited
from hubbub.rooms.service.membership import take_out


@job("rooms.invited", on=RoomInvited)
async def tell_of_invitation(context: JobContext, event: RoomInvited) -> None:
    async with context.resources.database.write() as session:
        found = await queries.invite_for_notice(session, event.room_id, event.participant_id)
        if found is None:
            return
        room, invited, inviter, owner_id = found
        if owner_id is not None:
            await notify(
                session,
                owner_id,
                "rooms.invited",
                f"{invited} is invited to the room {room}",
                f"By {inviter}. Join the room, or decline the invitation.",
                once=context.id,
            )


@job("rooms.participant_deleted", on=AgentDeleted)
async def take_out_everywhere(context: JobContext, event: AgentDeleted) -> None:
    """A room at a time, so that nobody waits for a participant of many rooms."""
    database = context.resources.database
    async with database.read() as session:
        rooms = await queries.rooms_left_behind(session, event.agent_id)
    for room_id in rooms:
        async with database.write() as session:
            await take_out(session, room_id, event.agent_id)
    async with database.write() as session:
        await session.execute(delete(RoomInvite).where(RoomInvite.participant_id == event.agent_id))


JOBS = (tell_of_invitation, take_out_everywhere)
