"""
What is refused about reports. What somebody may not see is ReportNotFound.

NotFound                 404
└── ReportNotFound
Conflict                 409
├── ReportEnded
└── ReportNotDone
Gone                     410
└── ReportLost
Unprocessable            422
└── ReportRange
TooManyRequests          429
└── TooManyReports
Unavailable              503
└── ReportsAway
"""

from hubbub.kit.errors import (
    Conflict,
    Gone,
    NotFound,
    TooManyRequests,
    Unavailable,
    Unprocessable,
)


class ReportNotFound(NotFound):
    code = "report_not_found"
    title = "Report not found"


class ReportEnded(Conflict):
    code = "report_ended"
    title = "This report has ended already; delete it if it is not wanted"


class ReportNotDone(Conflict):
    code = "report_not_done"
    title = "This report is not there: it is still being made, has failed or was cancelled"


class ReportLost(Gone):
    code = "report_lost"
    title = "The content of this report is gone; ask for another one"


class ReportRange(Unprocessable):
    code = "report_range"
    title = "The time that a report covers begins before it ends, and is at most 366 days long"


class TooManyReports(TooManyRequests):
    code = "too_many_reports"
    title = "So many of your reports are still being made; wait for one of them, or cancel it"


class ReportsAway(Unavailable):
    code = "reports_away"
    title = "The store of reports doesn't answer; try again"
