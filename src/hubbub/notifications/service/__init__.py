"""Leaving notifications, reading them, choosing them, and sending them by mail."""

from hubbub.notifications.service.telling import Notified, notify

__all__ = ["Notified", "notify"]
