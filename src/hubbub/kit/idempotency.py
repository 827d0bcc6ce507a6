"""What was answered first under an `Idempotency-Key`, so that the same request makes one thing.

The answer is stored in the transaction that makes the thing: both are there, or neither. It may
carry a key that is shown once, so it is sealed, and the place it is sealed for stands for the
caller, the route and the key: it opens for nobody else.
"""

import hashlib
import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from pydantic import BaseModel, SecretStr
from sqlalchemy import Index, update
from sqlalchemy.orm import Mapped, mapped_column

from hubbub.kit.crypto import Safe, SealBrokenError
from hubbub.kit.db.base import Base
from hubbub.kit.db.dialect import db_now, upsert
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.errors import Conflict, Unprocessable
from hubbub.kit.keys import Keyring

_KEY = re.compile(r"[ -~]{1,255}")
_PURPOSE = "idempotency"


class InvalidKey(Unprocessable):
    code = "invalid_idempotency_key"
    title = "An idempotency key is 1 to 255 printable ASCII characters"


class KeyReused(Conflict):
    code = "idempotency_key_reused"
    title = "This idempotency key was used for another body; use a new one"


class FirstAnswer(Base):
    __tablename__ = "first_answer"
    __table_args__ = (Index(None, "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Stands for who asked where under which key; see `asked_under`."""
    answer: Mapped[bytes | None]
    """Null only within the transaction that makes the thing."""
    created_at: Mapped[datetime] = mapped_column(default=db_now())


@dataclass(frozen=True, slots=True)
class Asked:
    """One request under a key, which may be the first or a repetition."""

    id: UUID
    body_hash: str


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content: str
    location: str | None = None
    """Where what was made is to be found, if that was said."""


def is_key(key: str) -> bool:
    return _KEY.fullmatch(key) is not None


def check_key(key: str) -> None:
    if not is_key(key):
        raise InvalidKey


def asked_under(keys: Keyring, route: str, caller: str | None, key: str, body: BaseModel) -> Asked:
    """Of strangers, only those who send the same body can be taken for one another.

    A body may hold a password. So what is stored in the clear is made with the hub's own secret:
    without it, nobody can try out passwords on a stolen table.
    """
    body_hash = _hash(body)
    who = [route, caller, key] if caller is not None else [route, None, key, body_hash]
    fingerprint = keys.fingerprint(_PURPOSE, orjson.dumps(who).decode())
    return Asked(UUID(bytes=fingerprint[:16]), body_hash)


def _hash(body: BaseModel) -> str:
    """Of the validated body in one order of its fields: how it was written doesn't matter."""
    canonical = orjson.dumps(body.model_dump(), default=_plain, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, AbstractSet):
        return sorted(value)
    raise TypeError


async def first_answer(session: AsyncWriteSession, safe: Safe, asked: Asked) -> Answer | None:
    """What was answered before; None if this is the first time.

    Whoever comes while the first is still under way waits here for its end: on PostgreSQL for the
    row, on SQLite for the turn. That is why it comes before all other statements.
    """
    taken = upsert(session, FirstAnswer, {"id": asked.id}, unique=["id"], change=["id"]).returning(
        FirstAnswer.answer
    )
    sealed = (await session.scalars(taken)).one()
    if sealed is None:
        return None
    try:
        # answers that were kept by earlier versions end before the location
        body_hash, *kept = orjson.loads(safe.open(sealed, *_place(asked)))
    except SealBrokenError as error:  # a backup was restored without the keys
        raise KeyReused(
            "What was answered can't be read any more; see whether it was done, then use a new key"
        ) from error
    if body_hash != asked.body_hash:
        raise KeyReused
    return Answer(*kept)


async def keep_answer(session: AsyncWriteSession, safe: Safe, asked: Asked, answer: Answer) -> None:
    kept = [asked.body_hash, answer.status, answer.content, answer.location]
    await session.execute(
        update(FirstAnswer)
        .where(FirstAnswer.id == asked.id)
        .values(answer=safe.seal(orjson.dumps(kept).decode(), *_place(asked)))
        .execution_options(synchronize_session=False)
    )


def _place(asked: Asked) -> tuple[str, str, UUID]:
    return FirstAnswer.__tablename__, FirstAnswer.answer.key, asked.id
