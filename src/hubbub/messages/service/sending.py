"""Sending, through whatever door: one message, or many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any
from uuid import UUID

import orjson
from pydantic import ValidationError

from hubbub.agents.errors import NotYourParticipant
from hubbub.agents.types import Actor
from hubbub.auth.types import Scope
from hubbub.files.queries import own_files
from hubbub.files.schemas import AttachedFile
from hubbub.kit.counters import seconds_left
from hubbub.kit.errors import AppError
from hubbub.kit.resources import Resources
from hubbub.messages import queries
from hubbub.messages.errors import (
    BroadcastNotAllowed,
    MessageNotFound,
    RecipientNotFound,
    SendLimit,
)
from hubbub.messages.schemas import MessageRow, MessageSend
from hubbub.messages.service.explain import explained
from hubbub.messages.service.messages import as_first_answered
from hubbub.messages.service.send import draft_of, shown
from hubbub.messages.writer.draft import Draft, Outcome, Replayed, Stored
from hubbub.messages.writer.queue import Writer

_WINDOW = 60
_ASKED = 1000
"""Files that one statement asks about."""
_MOST_EXPLAINED = 20
"""Names of one batch; looking for the nearest takes a query each."""


@dataclass(slots=True)
class Sent:
    """What one row of a batch came to."""

    message: Any = None
    replayed: bool = False
    error: AppError | ValidationError | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    resources: Resources
    writer: Writer

    async def one(self, actor: Actor, body: MessageSend, key: str | None) -> tuple[bytes, bool]:
        """The stored message as JSON, and whether it was stored before under this key."""
        sender_id = body.from_agent_id
        if sender_id is None or sender_id == actor.participant_id:
            sender_id = actor.participant_id
        elif sender_id not in await self._spoken_for(actor, [body]):
            raise NotYourParticipant
        draft = self._draft(actor, sender_id, body, key)
        if body.file_ids:
            await self._attach(actor, [(draft, body.file_ids)])
        outcome = await self.writer.send(draft)
        if isinstance(outcome, Stored):
            return orjson.dumps(shown(outcome)), False
        if isinstance(outcome, RecipientNotFound):
            raise await explained(self.resources.database, actor, outcome)
        if isinstance(outcome, AppError):
            raise outcome
        [first] = await self._as_first_answered([outcome])
        if first is None:
            raise MessageNotFound
        return orjson.dumps(first), True

    async def many(self, actor: Actor, rows: Sequence[dict[str, Any]]) -> list[Sent]:
        """Each row by itself: what is wrong with one is no other's trouble."""
        self.writer.check_room(len(rows))  # before a hub that is busy is kept busy by these
        bodies = [_body(row) for row in rows]
        mine = await self._spoken_for(actor, [b for b in bodies if isinstance(b, MessageRow)])
        sent: list[Sent] = []
        drafts: list[Draft] = []
        waiting: list[Sent] = []
        with_files: list[tuple[Draft, list[UUID]]] = []
        for body in bodies:
            result = Sent()
            sent.append(result)
            try:
                if isinstance(body, ValidationError):
                    result.error = body
                    continue
                sender_id = body.from_agent_id or actor.participant_id
                if sender_id not in mine:
                    raise NotYourParticipant
                drafts.append(self._draft(actor, sender_id, body, body.idempotency_key))
                waiting.append(result)
                if body.file_ids:
                    with_files.append((drafts[-1], body.file_ids))
            except AppError as error:
                result.error = error
        if with_files:
            await self._attach(actor, with_files)
        outcomes = await self.writer.send_all(drafts)
        await self._settle(actor, list(zip(waiting, outcomes, strict=True)))
        return sent

    async def _settle(self, actor: Actor, results: Sequence[tuple[Sent, Outcome]]) -> None:
        left = _MOST_EXPLAINED
        again: list[tuple[Sent, Replayed]] = []
        for result, outcome in results:
            if isinstance(outcome, Stored):
                result.message = shown(outcome)
            elif isinstance(outcome, Replayed):
                again.append((result, outcome))
            elif isinstance(outcome, RecipientNotFound):
                left -= 1
                result.error = RecipientNotFound()
                if left >= 0:
                    result.error = await explained(self.resources.database, actor, outcome)
            else:
                result.error = outcome
        if again:
            firsts = await self._as_first_answered([outcome for _, outcome in again])
            for (result, _), first in zip(again, firsts, strict=True):
                result.message, result.replayed = first, first is not None
                result.error = MessageNotFound() if first is None else None

    async def _spoken_for(self, actor: Actor, bodies: Sequence[MessageSend]) -> set[UUID]:
        named = {body.from_agent_id for body in bodies if body.from_agent_id is not None}
        others = named - {actor.participant_id}
        mine = {actor.participant_id}
        if others and actor.is_user:
            async with self.resources.database.read() as session:
                mine |= await queries.owned(session, actor, others)
        return mine

    def _draft(self, actor: Actor, sender_id: UUID, body: MessageSend, key: str | None) -> Draft:
        settings = self.resources.settings.messages
        used = self.resources.counters.hit(f"send:{sender_id}", _WINDOW)
        if used > settings.sends_per_minute:
            msg = f"At most {settings.sends_per_minute} a minute."
            raise SendLimit(msg, retry_after=seconds_left(_WINDOW))
        draft = draft_of(sender_id, body, key, self.resources.clock.now(), settings)
        if draft.to_everyone and Scope.BROADCAST not in actor.scopes:
            raise BroadcastNotAllowed
        return draft

    async def _attach(self, actor: Actor, wanted: Sequence[tuple[Draft, list[UUID]]]) -> None:
        """What isn't the caller's own is refused by the writer, which knows the keys: a repetition
        is answered as before, though a file may be gone by then."""
        ids = sorted({each for _, file_ids in wanted for each in file_ids})
        known: dict[UUID, dict[str, Any]] = {}
        for some in batched(ids, _ASKED):
            async with self.resources.database.read() as session:
                found = await own_files(session, actor, some)
            for file in found:
                known[file.id] = AttachedFile.model_validate(file).model_dump(mode="json")
        for draft, file_ids in wanted:
            draft.files = tuple(known.get(each) for each in file_ids)

    async def _as_first_answered(self, replayed: Sequence[Replayed]) -> list[dict[str, Any] | None]:
        ids = [UUID(each.message_id) for each in replayed]
        async with self.resources.database.read() as session:
            firsts = await as_first_answered(session, ids)
        found = [firsts.get(each) for each in ids]
        return [first.model_dump(mode="json") if first is not None else None for first in found]


def _body(row: dict[str, Any]) -> MessageRow | ValidationError:
    try:
        return MessageRow.model_validate(row)
    except ValidationError as error:
        return error
