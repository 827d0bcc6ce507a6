from datetime import timedelta

from hubbub.agents.models import AgentKey, Enrolment
from hubbub.agents.service.people import ensure_person
from hubbub.kit.db.chunks import delete_in_chunks
from hubbub.kit.jobs import JobContext, NoArgs, job
from hubbub.users.service import AccountCreated


@job("agents.make_person", on=AccountCreated)
async def make_person(context: JobContext, event: AccountCreated) -> None:
    async with context.resources.database.write() as session:
        await ensure_person(session, event.user_id)


@job("agents.prune", every=timedelta(hours=6))
async def prune(context: JobContext, _: NoArgs) -> None:
    """Takes away what has ended a month ago."""
    old = context.resources.clock.now() - timedelta(days=30)
    for model in (AgentKey, Enrolment):
        await delete_in_chunks(context.resources.database, model, model.expires_at < old)


JOBS = (make_person, prune)
