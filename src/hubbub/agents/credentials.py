"""From a credential to the participant that calls: looked up once, then remembered for seconds.

What is remembered is forgotten by time, and at once when a revocation is announced: directly after
the commit in the process that revokes, over the bus in all others.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from time import monotonic
from uuid import UUID

import orjson

from hubbub.agents import queries
from hubbub.agents.models import Agent
from hubbub.agents.service.people import ensure_person
from hubbub.agents.types import AGENT_KEY_MARK, Actor
from hubbub.auth.queries import live_keys, live_sessions
from hubbub.auth.service.callers import caller_of
from hubbub.auth.tokens import API_KEY_MARK, Tokens
from hubbub.auth.types import Scope
from hubbub.kit.keys import token_hash
from hubbub.kit.resources import Resources
from hubbub.users.types import Role, Viewer

_ASKED = 1000
"""Credentials that one statement asks about."""
_AGENT_SCOPES = frozenset({Scope.READ, Scope.WRITE})


@dataclass(frozen=True, slots=True)
class Known:
    """Whom a credential stands for, and when it ends by itself."""

    actor: Actor
    expires_at: datetime | None


class Credentials:
    """Remembers who called lately. Wrong credentials are not remembered: there is no end of them,
    and one that is made a moment later must count."""

    def __init__(self, resources: Resources, *, seconds: float = 5.0, most: int = 10_000) -> None:
        self.resources = resources
        self._seconds = seconds
        self._most = most
        self._known: OrderedDict[bytes, tuple[float, Known]] = OrderedDict()
        self._revocations = 0
        self._asked: dict[tuple[bytes, int], asyncio.Task[Known | None]] = {}

    def get(self, key: bytes, now: datetime) -> Actor | None:
        entry = self._known.get(key)
        if entry is None:
            return None
        forget_at, known = entry
        over = known.expires_at is not None and known.expires_at <= now
        if over or forget_at <= monotonic():
            del self._known[key]
            return None
        return known.actor

    @property
    def revocations(self) -> int:
        """How many were heard of so far."""
        return self._revocations

    async def ask(self, key: bytes, look_up: Callable[[], Awaitable[Known | None]]) -> Known | None:
        """Looks up what isn't remembered, once for all who come with it meanwhile: many do when a
        busy one has just been forgotten. Not for who comes after a revocation: it may be this."""
        asked = key, self._revocations
        task = self._asked.get(asked)
        if task is None:
            task = self._asked[asked] = asyncio.create_task(self._look_up(asked, look_up))
        # whoever asked first may be gone before the answer is there
        return await asyncio.shield(task)

    async def _look_up(
        self, asked: tuple[bytes, int], look_up: Callable[[], Awaitable[Known | None]]
    ) -> Known | None:
        try:
            known = await look_up()
        finally:
            del self._asked[asked]
        key, revocations = asked
        if known is not None and revocations == self._revocations:
            self._put(key, known)
        return known

    def _put(self, key: bytes, known: Known) -> None:
        self._known[key] = monotonic() + self._seconds, known
        self._known.move_to_end(key)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def hear(self, message: str) -> None:
        """Forgets all credentials of the user or agent of a `CredentialsRevoked`."""
        self._revocations += 1
        subject = UUID(orjson.loads(message)["subject_id"])
        for key, (_, known) in list(self._known.items()):
            actor = known.actor
            if subject in {actor.participant_id, actor.owner_id, actor.viewer.user_id}:
                del self._known[key]


async def actor_of(credentials: Credentials, credential: str) -> Actor | None:
    """Whom an agent's key, a user's API key or an access token stands for; None if it doesn't
    count. What its scopes allow is the caller's to check."""
    key = token_hash(credential)
    resources = credentials.resources
    found = credentials.get(key, resources.clock.now())
    if found is not None:
        return found
    tokens = Tokens(resources.keys, resources.settings.auth, resources.clock)
    if credential.startswith(AGENT_KEY_MARK):
        known = await credentials.ask(key, lambda: _agent(resources, key, tokens))
    else:
        known = await credentials.ask(key, lambda: _person(resources, credential, tokens))
    return known.actor if known is not None else None


async def ended(credentials: Credentials, tokens: Iterable[str]) -> set[str]:
    """Which of these, that counted once, count no more: asked of all of them together, for
    connections that live longer than a request."""
    resources = credentials.resources
    tools = Tokens(resources.keys, resources.settings.auth, resources.clock)
    gone: set[str] = set()
    for some in batched(tokens, _ASKED):
        by_agent = {token_hash(each): each for each in some if each.startswith(AGENT_KEY_MARK)}
        by_user = {token_hash(each): each for each in some if each.startswith(API_KEY_MARK)}
        others = set(some) - {*by_agent.values(), *by_user.values()}
        claims = {each: tools.read_access(each) for each in others}
        sessions = {each: found.session_id for each, found in claims.items() if found is not None}
        now = tools.now()
        async with resources.database.read() as session:
            held = await queries.held_keys(session, list(by_agent), now) if by_agent else set()
            live = await live_keys(session, list(by_user), now) if by_user else set()
            ids = list(set(sessions.values()))
            open_ = await live_sessions(session, ids, now) if ids else set()
        gone |= {each for key, each in by_agent.items() if key not in held}
        gone |= {each for key, each in by_user.items() if key not in live}
        gone |= {each for each in others if sessions.get(each) not in open_}
    return gone


async def _agent(resources: Resources, key_hash: bytes, tokens: Tokens) -> Known | None:
    async with resources.database.read() as session:
        found = await queries.key_holder(session, key_hash, tokens.now())
    if found is None:
        return None
    agent, expires_at = found
    assert agent.owner_id is not None  # noqa: S101 - found by that owner
    scopes = _AGENT_SCOPES | {Scope.BROADCAST} if agent.may_broadcast else _AGENT_SCOPES
    return Known(_actor(agent, Viewer(agent.owner_id, Role.MEMBER), scopes), expires_at)


async def _person(resources: Resources, credential: str, tokens: Tokens) -> Known | None:
    async with resources.database.read() as session:
        caller = await caller_of(session, tokens, credential)
        if caller is None:
            return None
        person = await queries.find_person(session, caller.user_id)
    if person is None:
        async with resources.database.write() as session:
            person = await ensure_person(session, caller.user_id)
    if person is None:
        return None
    viewer = Viewer(caller.user_id, caller.role)
    return Known(_actor(person, viewer, caller.scopes), caller.expires_at)


def _actor(agent: Agent, viewer: Viewer, scopes: frozenset[Scope]) -> Actor:
    return Actor(agent.id, agent.handle, agent.kind, agent.owner_id, viewer, scopes)
