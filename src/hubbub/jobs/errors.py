from hubbub.kit.errors import Conflict, NotFound


class JobNotFound(NotFound):
    code = "job_not_found"
    title = "Job not found"


class JobEnded(Conflict):
    code = "job_ended"
    title = "This job has ended already"
