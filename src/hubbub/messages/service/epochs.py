"""The name of the hub's present history, which stands in every cursor."""

import secrets

from sqlalchemy import update

from hubbub.kit.db.dialect import db_now, insert_or_ignore
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.messages.models import Epoch


async def name_history(session: AsyncWriteSession) -> None:
    """On the first start of a database."""
    row = {"id": 1, "value": _new_name()}
    await session.execute(insert_or_ignore(session, Epoch, unique=["id"]).values(row))


async def begin_epoch(session: AsyncWriteSession) -> None:
    await name_history(session)
    await session.execute(update(Epoch).values(value=_new_name(), created_at=db_now()))


def _new_name() -> str:
    return secrets.token_hex(4)
