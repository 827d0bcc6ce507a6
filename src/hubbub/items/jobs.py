from hubbub.agents.service.changes import AgentDeleted
from hubbub.items.service.leaving import unassign
from hubbub.kit.jobs import JobContext, job


@job("items.participant_deleted", on=AgentDeleted)
async def unassign_everywhere(context: JobContext, event: AgentDeleted) -> None:
    await unassign(context.resources.database, event.agent_id)


JOBS = (unassign_everywhere,)
