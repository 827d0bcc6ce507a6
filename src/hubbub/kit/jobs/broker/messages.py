"""What the brokers send: the task `job.run` with the id of a job."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from taskiq import AsyncBroker, BrokerMessage, TaskiqMessage

from hubbub.kit.jobs.broker import Run

_TASK = "job.run"


def register(broker: AsyncBroker, run: Run) -> None:
    broker.register_task(_task(run), task_name=_TASK)


def message(broker: AsyncBroker, job_id: UUID) -> BrokerMessage:
    content = TaskiqMessage(
        task_id=str(job_id), task_name=_TASK, labels={}, args=[str(job_id)], kwargs={}
    )
    return broker.formatter.dumps(content)


def _task(run: Run) -> Callable[[str], Awaitable[None]]:
    async def task(job_id: str) -> None:
        await run(UUID(job_id))

    return task
