"""Writing acts down, and what makes a change of what was written show."""

from hubbub.activity.service.recording import record

__all__ = ["record"]
