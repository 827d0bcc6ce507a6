"""Holds lanes and posts what is in them. One in every process that serves, and in every worker."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile

import structlog
from sqlalchemy import exists, or_, select

from hubbub.kit.db.database import DatabaseUnavailable
from hubbub.kit.db.dialect import db_now, is_retryable_in_driver
from hubbub.kit.outbox import SIGNAL as OUTBOX
from hubbub.kit.resources import Resources
from hubbub.messages.dispatch.posting import Poster
from hubbub.messages.dispatch.turn import Means, turn
from hubbub.messages.dispatch.types import Asked, Ended, Recorded, Ticket, Turned, Work
from hubbub.messages.models import Lane as LaneRecord
from hubbub.messages.service.changes import TOPIC as CHANGES
from hubbub.messages.service.changes import changes
from hubbub.messages.service.pushing import SIGNAL
from hubbub.messages.writer.queue import Store, Writer

log = structlog.get_logger()

GATHERING = 0.005
"""For so long after a post has ended others may end: one transaction for many costs least."""
_MOST_CLAIMS = 128
_SLOW = 3.0
"""A post that takes longer keeps no place from others: gateways that hang are for themselves."""
_MOST_SLOW = 2
"""Times the concurrency, slow ones included: sockets have an end too."""
_GRACE = 3.0


@dataclass(slots=True, eq=False)
class Lane:
    """One that is ours."""

    agent_id: str
    fence: int
    leased_at: float
    flying: dict[int, asyncio.Task[None]] = field(default_factory=dict)


class Dispatcher:
    def __init__(self, resources: Resources, store: Store, writer: Writer) -> None:
        settings = resources.settings
        self._settings = settings.delivery
        # often enough to renew a lease long before it ends
        self._pace = min(settings.delivery.poll_seconds, settings.delivery.lease_seconds / 6)
        self._database = resources.database
        self._metrics = resources.metrics
        self._store = store
        self._poster = Poster(resources, writer)
        self._means = Means(settings.delivery, resources.safe, settings.public_url, store.forms)
        self._lanes: dict[str, Lane] = {}
        self._ended: list[Ended] = []
        self._hungry: set[str] = set()
        self._may_be_due = True
        self._next_look = 0.0
        self._rung = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._posts: dict[asyncio.Task[None], float] = {}
        """When each was begun: the oldest first."""
        self._slow: set[asyncio.Task[None]] = set()
        self._chats: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._database.listen(SIGNAL, self.ring)
        self._task = asyncio.create_task(self._run(), name="dispatcher")

    def ring(self, agent_ids: Iterable[str] = ()) -> None:
        """Something is due."""
        self._hungry.update(each for each in agent_ids if each in self._lanes)
        self._may_be_due = True
        self._rung.set()

    async def stop(self) -> None:
        """Lets what is being posted end, within reason, and lets go of the lanes. A chat is given
        longer: it can't be begun again."""
        if self._stopping:
            return
        self._stopping = True
        self._rung.set()
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await self._task
        if self._posts:
            await asyncio.wait(self._posts, timeout=_GRACE)
        await self._give_up(self._posts.keys() - self._chats)
        await self._outlast_chats()
        await self._give_up(self._posts)
        if self._timer is not None:
            self._timer.cancel()
        await self._let_go()
        await self._store.close()

    async def _give_up(self, posts: Collection[asyncio.Task[None]]) -> None:
        for task in tuple(posts):
            task.cancel()
        await asyncio.gather(*posts, return_exceptions=True)
        for lane in self._lanes.values():
            lane.flying = {seq: task for seq, task in lane.flying.items() if not task.cancelled()}

    async def _outlast_chats(self) -> None:
        """Their lanes stay ours meanwhile, and those of the others don't."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._settings.chat_grace_seconds
        while self._chats and (left := until - loop.time()) > 0:
            await self._let_go()
            pause = min(left, self._settings.lease_seconds / 3)
            await asyncio.wait(self._chats, timeout=pause, return_when=asyncio.FIRST_COMPLETED)

    async def _run(self) -> None:
        while not self._stopping:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace):
                    await self._rung.wait()
            self._rung.clear()
            try:
                # however busy it is: leases have to be renewed, and retries come due unheard
                if asyncio.get_running_loop().time() >= self._next_look:
                    await self._look()
                if self._ended or self._hungry or self._may_be_due:
                    await self._turn()
            except DatabaseUnavailable:
                await self._recover()
            except Exception as error:
                # whatever it is, this loop must not end
                if is_retryable_in_driver(error):
                    log.warning("dispatcher.unavailable", error=type(error).__name__)
                else:
                    log.exception("dispatcher.failed")
                await self._recover()

    async def _recover(self) -> None:
        await asyncio.sleep(self._settings.poll_seconds)
        self._rung.set()

    async def _look(self) -> None:
        """A look costs less than a turn: mostly nothing is due. Lanes that are ours may have got
        something by another process."""
        now = asyncio.get_running_loop().time()
        self._next_look = now + self._pace
        self._slow.update(takewhile(lambda post: self._posts[post] < now - _SLOW, self._posts))
        self._hungry.update(self._lanes)
        if self._room() <= 0:
            return
        due = exists().where(
            LaneRecord.due_at <= db_now(),
            or_(LaneRecord.lease_until.is_(None), LaneRecord.lease_until <= db_now()),
        )
        async with self._database.read() as session:
            self._may_be_due |= bool(await session.scalar(select(due)))

    def _room(self) -> int:
        most = self._settings.concurrency
        flying = len(self._posts)
        return min(most - (flying - len(self._slow)), most * _MOST_SLOW - flying)

    async def _turn(self) -> None:
        ended, self._ended = self._ended, []
        hungry, self._hungry = self._hungry, set()
        room = self._room()
        claims = min(room, _MOST_CLAIMS) if self._may_be_due and room > 0 else 0
        self._may_be_due &= not claims
        asked = self._asked(ended, hungry)
        if not asked and not claims:
            return
        try:
            turned = await self._transaction(asked, ended, claims)
        except Exception as error:
            if not is_retryable_in_driver(error) and len(asked) > 1:
                log.exception("dispatcher.turn_refused", lanes=len(asked))
                await self._turn_singly(asked, ended)
                return
            self._ended[:0] = ended
            self._hungry |= hungry
            self._may_be_due |= claims > 0
            raise
        self._apply(asked, turned)

    async def _turn_singly(self, asked: Sequence[Asked], ended: Sequence[Ended]) -> None:
        """One lane that can't be recorded must not keep the others. It is given up, and pushed
        again once its lease has ended."""
        for each in asked:
            mine = [one for one in ended if one.ticket.agent_id == each.agent_id]
            try:
                self._apply([each], await self._transaction([each], mine, 0))
            except Exception as error:
                if is_retryable_in_driver(error):
                    self._ended += mine
                    raise
                log.exception("dispatcher.lane_refused", agent_id=each.agent_id)
                self._lose(each.agent_id)

    async def _transaction(
        self, asked: Sequence[Asked], ended: Sequence[Ended], claims: int, *, closing: bool = False
    ) -> Turned:
        ours = frozenset(self._lanes) if claims else ()
        return await self._store.run(
            lambda: turn(self._means, asked, ended, claims, ours=ours, closing=closing)
        )

    def _asked(self, ended: Sequence[Ended], hungry: Iterable[str]) -> list[Asked]:
        over: dict[str, set[int]] = {each: set() for each in hungry}
        for each in ended:
            over.setdefault(each.ticket.agent_id, set()).add(each.ticket.seq)
        now = asyncio.get_running_loop().time()
        asked = []
        for agent_id, seqs in over.items():
            lane = self._lanes.get(agent_id)
            if lane is not None:
                renews = now - lane.leased_at > self._settings.lease_seconds / 3
                flying = frozenset(lane.flying.keys() - seqs)
                asked.append(Asked(agent_id, lane.fence, flying, renews))
        return asked

    def _apply(self, asked: Sequence[Asked], turned: Turned) -> None:
        now = asyncio.get_running_loop().time()
        found = {work.row.agent_id for work in turned.works}
        for each in asked:
            if each.agent_id not in found:
                self._lose(each.agent_id)
        for ended, word, _ in turned.recorded:
            self._metrics.pushes.labels(ended.ticket.push.target.kind, word).inc()
            lane = self._lanes.get(ended.ticket.agent_id)
            if lane is not None and lane.fence == ended.fence:
                lane.flying.pop(ended.ticket.seq, None)
        self._tell(turned.recorded)
        for work in turned.works:
            self._apply_work(work, now)
        if turned.refused:
            log.warning("dispatcher.outcomes_refused", count=turned.refused)
        if turned.has_events:
            self._database.ring(OUTBOX)
        if turned.more:
            self._may_be_due = True
            self._rung.set()

    def _tell(self, recorded: Iterable[Recorded]) -> None:
        """The senders, of what is final by now."""
        rows = []
        for ended, _, became in recorded:
            push = ended.ticket.push
            if became is not None:
                rows.append((push.sender.id, push.recipient.id, push.message_id, became))
        if rows:
            self._database.tell(CHANGES, changes(rows))

    def _apply_work(self, work: Work, now: float) -> None:
        agent_id = work.row.agent_id
        if work.is_new:
            self._lose(agent_id)
            lane = Lane(agent_id, work.fence, now)
        else:
            lane = self._lanes[agent_id]
        if not work.is_kept:
            self._lanes.pop(agent_id, None)
            if work.due_at is not None and work.due_at <= work.now:
                self.ring()
            return
        self._lanes[agent_id] = lane
        if work.is_new or work.renews or work.standing != work.before:
            lane.leased_at = now
        for ticket in work.taken:
            self._begin(lane, ticket)

    def _lose(self, agent_id: str) -> None:
        """Somebody else has it. What is being posted can't be called back; nobody asks any more
        what becomes of it."""
        lane = self._lanes.pop(agent_id, None)
        if lane is not None:
            log.warning("dispatcher.lane_lost", agent_id=agent_id, posts=len(lane.flying))

    def _begin(self, lane: Lane, ticket: Ticket) -> None:
        task = asyncio.create_task(self._post(lane, ticket))
        self._posts[task] = asyncio.get_running_loop().time()
        if ticket.push.target.is_told_once:
            self._chats.add(task)
        lane.flying[ticket.seq] = task

    async def _post(self, lane: Lane, ticket: Ticket) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - it runs
        try:
            ended = await self._poster(ticket, lane.fence)
        finally:
            self._slow.discard(task)
            self._posts.pop(task, None)
            self._chats.discard(task)
        if self._lanes.get(lane.agent_id) is lane:
            self._ended.append(ended)
            self._gather()
        else:
            log.warning("push.refused", message_id=str(ticket.push.message_id))

    def _gather(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHERING, self._gathered)

    def _gathered(self) -> None:
        self._timer = None
        self._rung.set()

    async def _let_go(self) -> None:
        """Of all lanes in which nothing goes on."""
        if not self._lanes:
            return
        ended, self._ended = self._ended, []
        asked = [each._replace(renews=True) for each in self._asked(ended, self._lanes)]
        try:
            self._apply(asked, await self._transaction(asked, ended, 0, closing=True))
        except Exception as error:  # noqa: BLE001 - the leases end by themselves
            self._ended[:0] = ended
            log.warning("dispatcher.lanes_left", error=type(error).__name__)
