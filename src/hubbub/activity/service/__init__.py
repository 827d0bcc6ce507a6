"""Writing acts down, and what makes a change of what was written show."""

from hubbub.activity.service.record import record

__all__ = ["record"]
