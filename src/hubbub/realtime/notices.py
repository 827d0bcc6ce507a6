"""What a person should know, as it comes in. Notifications have no numbers: what is unread and
wasn't shown yet is shown, so a person who connects again may see one twice, and misses none."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from uuid import UUID

import orjson
import structlog

from hubbub.kit.db.database import Database
from hubbub.kit.errors import AppError
from hubbub.notifications import queries
from hubbub.notifications.schemas import NotificationRead
from hubbub.realtime.errors import GONE_WRONG
from hubbub.realtime.outlets import Outlet
from hubbub.users.types import Viewer

log = structlog.get_logger()

_SHOWN = 1000
"""Ids that are remembered for one reader."""
_PATIENCE = 1.0


class Notices:
    """Wakes those who wait for a user's notifications."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._seen: dict[UUID, object] = {}

    def subscribe(self, user_id: UUID, rung: asyncio.Event) -> Callable[[], None]:
        self._waiting[user_id].add(rung)

        def unsubscribe() -> None:
            self._waiting[user_id].discard(rung)
            if not self._waiting[user_id]:
                del self._waiting[user_id]

        return unsubscribe

    def hear(self, text: str) -> None:
        self._ring(UUID(orjson.loads(text)["user_id"]))

    def _ring(self, user_id: UUID) -> None:
        for rung in self._waiting.get(user_id, ()):
            rung.set()

    async def look(self) -> None:
        """For what nobody has been told of: one question for all who wait."""
        if not self._waiting:
            return
        async with self.database.read() as session:
            newest = await queries.newest_of(session, tuple(self._waiting))
        for user_id, at in newest.items():
            if self._seen.get(user_id) != at:
                self._ring(user_id)
        self._seen = dict(newest)


class NoticeReader:
    """Brings one reader a user's unread notifications, the oldest first."""

    def __init__(
        self, notices: Notices, viewer: Viewer, outlet: Outlet, after: UUID | None
    ) -> None:
        self._notices = notices
        self._viewer = viewer
        self._outlet = outlet
        self._after = after
        self._shown: OrderedDict[UUID, None] = OrderedDict()
        self._rung = asyncio.Event()
        self._unsubscribe: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._unsubscribe = self._notices.subscribe(self._viewer.user_id, self._rung)
        self._task = asyncio.create_task(self._show())

    def stop(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self._task is not None:
            self._task.cancel()

    async def _show(self) -> None:
        try:
            while True:
                self._rung.clear()
                for each in await self._unread():
                    await self._outlet.drained()
                    self._put(each)
                await self._rung.wait()
        except Exception:
            log.exception("notices.failed")
            self._outlet.close(GONE_WRONG, "something went wrong on our side; connect again")

    async def _unread(self) -> list[NotificationRead]:
        while True:
            try:
                async with self._notices.database.read() as session:
                    rows = await queries.unread(session, self._viewer, self._after)
                return [NotificationRead.model_validate(each) for each in rows]
            except AppError as error:
                if error.status != 503:
                    raise
                await asyncio.sleep(_PATIENCE)

    def _put(self, notification: NotificationRead) -> None:
        if notification.id in self._shown:
            return
        self._shown[notification.id] = None
        if len(self._shown) > _SHOWN:
            self._shown.popitem(last=False)
        content = b'{"notification":%s}' % notification.model_dump_json().encode()
        event = self._outlet.form.event("notification", content, str(notification.id))
        self._outlet.put(event)
