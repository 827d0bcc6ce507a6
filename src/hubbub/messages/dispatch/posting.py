"""One push over the wire, and the reply that it may bring."""

import asyncio
from uuid import UUID

import structlog
from aiohttp import ClientSession
from pydantic import ValidationError
from sqlalchemy import exists, select

from hubbub.kit.db.database import Database, DatabaseUnavailable
from hubbub.kit.errors import AppError, Unavailable
from hubbub.kit.resources import Resources
from hubbub.messages.delivery import kinds
from hubbub.messages.delivery.chat import OUTCOME_UNKNOWN
from hubbub.messages.delivery.post import post
from hubbub.messages.delivery.types import (
    Answer,
    Delivered,
    Failed,
    NoAnswer,
    Outcome,
    Push,
    Replied,
    Retry,
)
from hubbub.messages.dispatch.types import Ended, Ticket
from hubbub.messages.models import IdempotencyKey
from hubbub.messages.schemas import AGENT, ROOM, MessageSend
from hubbub.messages.service.send import draft_of
from hubbub.messages.writer.queue import Writer
from hubbub.settings import Settings

log = structlog.get_logger()

HUB_ERROR = "hub_error"
_AGAIN = 1.0


class Poster:
    def __init__(self, resources: Resources, writer: Writer) -> None:
        self._settings: Settings = resources.settings
        self._http: ClientSession = resources.http
        self._database: Database = resources.database
        self._writer = writer

    async def __call__(self, ticket: Ticket, fence: int) -> Ended:
        """Never raises, but for being cancelled."""
        push = ticket.push
        answer: Answer | NoAnswer | None = None
        note = None
        try:
            outcome: Outcome | None = None
            if ticket.begun_before:
                outcome = await self._what_became_of(push)
            if outcome is None:
                answer = await post(self._http, kinds.prepare(push, self._settings.gateway))
                outcome = kinds.outcome_of(push, answer)
            if isinstance(outcome, Replied):
                note = await self._reply(push, outcome.text)
        except Exception:
            log.exception("push.broken", message_id=str(push.message_id))
            once = push.target.is_told_once and not push.target.retry_ambiguous
            outcome = Failed(OUTCOME_UNKNOWN) if once else Retry(HUB_ERROR)
        status = answer.status if isinstance(answer, Answer) else None
        excerpt = (answer.excerpt or None) if isinstance(answer, Answer) else None
        ms = answer.ms if answer is not None else None
        return Ended(ticket, fence, outcome, status, ms, excerpt, note)

    async def _what_became_of(self, push: Push) -> Outcome | None:
        """Of a post whose end nobody saw. The reply tells that it arrived; None to post again."""
        if await self._insist_on_knowing(push.recipient.id, push.delivery_id):
            return Delivered(0, 0)
        return None if push.target.retry_ambiguous else Failed(OUTCOME_UNKNOWN)

    async def _insist_on_knowing(self, participant_id: UUID, key: str) -> bool:
        statement = select(
            exists().where(
                IdempotencyKey.participant_id == participant_id, IdempotencyKey.key == key
            )
        )
        while True:
            try:
                async with self._database.read() as session:
                    return bool(await session.scalar(statement))
            except DatabaseUnavailable:
                await asyncio.sleep(_AGAIN)

    async def _reply(self, push: Push, text: str) -> str | None:
        """Sends it as the agent, once however often this is done. It is stored before the delivery
        is recorded; where it can't be, the delivery has arrived all the same. Returns why not."""
        settings = self._settings.messages
        most = settings.max_content_bytes
        to = f"{ROOM}{push.room}" if push.room is not None else f"{AGENT}{push.sender.handle}"
        try:
            body = MessageSend(
                to=[to],
                content=text.encode(errors="replace")[:most].decode(errors="ignore"),
                reply_to=push.message_id,
            )
        except ValidationError:
            return "reply_invalid"
        while True:
            try:
                draft = draft_of(
                    push.recipient.id, body, push.delivery_id, push.attempted_at, settings
                )
                outcome = await self._writer.send(draft)
                if isinstance(outcome, AppError):
                    raise outcome
            except Unavailable:
                await asyncio.sleep(_AGAIN)
            except AppError as error:
                return f"reply_{error.code}"[:64]
            else:
                return None
