"""What an outcome means for a delivery, and for the lane that it came through."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from hubbub.messages.delivery.findings import ADVICE
from hubbub.messages.delivery.types import Delivered, Failed, Pause, Replied
from hubbub.messages.dispatch.types import Ended, Standing
from hubbub.messages.types import BY_OWNER, AttemptOutcome, Finding
from hubbub.settings import DeliverySettings

_BEFORE_BACKOFF = 3
"""So many failures in a row may be those of single messages."""
_MOST_BACKOFF = 60.0


@dataclass(frozen=True, slots=True)
class Verdict:
    word: AttemptOutcome
    reason: str | None = None
    attempts: int = 0
    due_at: datetime | None = None
    """When it is tried again, if it is."""

    @property
    def is_final(self) -> bool:
        return self.due_at is None


def judge(ended: Ended, standing: Standing, now: datetime, settings: DeliverySettings) -> Verdict:
    outcome, attempts = ended.outcome, ended.ticket.attempts
    if isinstance(outcome, Delivered | Replied):
        _works(ended, standing)
        note = ended.note or (outcome.note if isinstance(outcome, Delivered) else None)
        return Verdict(AttemptOutcome.DELIVERED, note)
    if isinstance(outcome, Pause):
        pause(standing, outcome.reason, outcome.advice, now, settings)
        return Verdict(AttemptOutcome.PAUSED, outcome.reason, attempts, now)
    _fails(standing, outcome.reason, now, settings)
    if isinstance(outcome, Failed):
        return Verdict(AttemptOutcome.FAILED, outcome.reason)
    if ended.ticket.is_probe:
        return Verdict(AttemptOutcome.RETRY, outcome.reason, attempts, now)
    if attempts >= len(settings.retry_schedule):
        return Verdict(AttemptOutcome.FAILED, outcome.reason)
    after = settings.retry_schedule[attempts] * random.uniform(0.8, 1.2)  # noqa: S311
    if outcome.after is not None:
        after = max(after, outcome.after)
        _hold(standing, now + timedelta(seconds=outcome.after))
    due_at = now + timedelta(seconds=after)
    return Verdict(AttemptOutcome.RETRY, outcome.reason, attempts + 1, due_at)


def _works(ended: Ended, standing: Standing) -> None:
    """A push that was under way already when the gateway was paused says nothing about it since.
    And what Retry-After asks for holds whoever gets through meanwhile."""
    standing.failures, standing.failing_since = 0, None
    if standing.paused_at is None or standing.pause_reason == BY_OWNER:
        return
    if ended.ticket.is_probe or ended.ticket.push.attempted_at > standing.paused_at:
        standing.paused_at = standing.pause_reason = standing.pause_advice = None
        standing.held_until, standing.probes = None, 0


def _fails(standing: Standing, reason: str, now: datetime, settings: DeliverySettings) -> None:
    standing.failures += 1
    standing.failing_since = standing.failing_since or now
    lasts = now - standing.failing_since >= timedelta(seconds=settings.pause_after_seconds)
    if standing.paused_at is not None or (
        lasts and standing.failures >= settings.pause_after_failures
    ):
        pause(standing, reason, _advice(reason), now, settings)
    elif standing.failures >= _BEFORE_BACKOFF:
        # what waits behind a gateway that is down should not spend its tries on that
        seconds = min(2.0 ** (standing.failures - _BEFORE_BACKOFF), _MOST_BACKOFF)
        _hold(standing, now + timedelta(seconds=seconds))


def _advice(reason: str) -> str:
    try:
        return ADVICE[Finding(reason)]
    except (KeyError, ValueError):
        return "The gateway has failed again and again. Its own log may say why."


def _hold(standing: Standing, until: datetime) -> None:
    standing.held_until = max(until, standing.held_until or until)


def pause(
    standing: Standing, reason: str, advice: str, now: datetime, settings: DeliverySettings
) -> None:
    """For the first time, or once more after a probe."""
    if standing.pause_reason == BY_OWNER:
        return
    if standing.paused_at is None:
        standing.paused_at, standing.probes = now, 0
    elif standing.held_until is None or standing.held_until <= now:
        standing.probes += 1
    standing.pause_reason, standing.pause_advice = reason, advice
    schedule = settings.probe_schedule
    wait = schedule[min(standing.probes, len(schedule) - 1)]
    standing.held_until = now + timedelta(seconds=wait)
