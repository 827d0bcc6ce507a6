"""Statements about reports, and those that a report is made of."""

from hubbub.reports.queries.reports import (
    Standing,
    count_unfinished,
    ended_unnoticed,
    find_report,
    known_among,
    list_reports,
    lock_report,
    moves_of,
    outdated,
    report_to_make,
)

__all__ = [
    "Standing",
    "count_unfinished",
    "ended_unnoticed",
    "find_report",
    "known_among",
    "list_reports",
    "lock_report",
    "moves_of",
    "outdated",
    "report_to_make",
]
