"""Leaving notifications, reading them, choosing them, and sending them by mail."""

from hubbub.notifications.service.notify import Notified, notify

__all__ = ["Notified", "notify"]
