"""Counts by day, with the days on which nothing happened."""

from collections.abc import Iterable
from datetime import UTC, timedelta
from typing import Any

from sqlalchemy import Row

from hubbub.reports.queries.scope import Scope


def filled(scope: Scope, counted: Iterable[Row[*tuple[Any, ...]]]) -> list[dict[str, Any]]:
    """Of rows of what, day and how many."""
    first = scope.since.astimezone(UTC).date()
    last = (scope.until - timedelta(microseconds=1)).astimezone(UTC).date()
    days: dict[str, dict[str, Any]] = {}
    for number in range((last - first).days + 1):
        day = (first + timedelta(days=number)).isoformat()
        days[day] = {"day": day}
    for name, day, many in counted:
        # a message is found by its id, which another clock may have given than its time
        if day in days:
            days[day][name] = many
    return list(days.values())
