"""Work that is done later, outside the request that asked for it.

A domain declares its jobs with `@job` in its `jobs.py`; a service calls `enqueue` in its own
transaction, or emits an event that a job is declared `on`. The rows of the table `job` are the
truth; everything else (signals, broker, bus) only makes them run sooner.
"""

from hubbub.kit.jobs.claims import ask_to_cancel
from hubbub.kit.jobs.declare import GiveUp, Job, JobContext, NoArgs, job
from hubbub.kit.jobs.models import JobRecord, JobStatus
from hubbub.kit.jobs.queue import enqueue

__all__ = [
    "GiveUp",
    "Job",
    "JobContext",
    "JobRecord",
    "JobStatus",
    "NoArgs",
    "ask_to_cancel",
    "enqueue",
    "job",
]
