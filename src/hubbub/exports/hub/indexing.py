"""What search needs, made from what was stored: posts at once, messages by the indexer when a hub
serves."""

from collections import defaultdict
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import orjson
from sqlalchemy import Table, select

from hubbub.board.models import Post
from hubbub.board.queries import SEARCH_KIND as POSTS
from hubbub.board.service.reading import searched_text
from hubbub.kit.db.bulk import Bulk, Row
from hubbub.kit.db.search import SearchEntry, prepared
from hubbub.kit.ids import new_id_text
from hubbub.messages.models import Delivery, FanOut, Message, UnindexedBatch
from hubbub.messages.writer.unindexed import MOST_IN_ROW, MOST_NAMED

_NOBODY = "import"
"""No process: whoever serves takes it."""
_POSTS = 100
_FIRST = UUID(int=0)


async def index_messages(bulk: Bulk, now: datetime | str) -> None:
    """As the writer leaves them, see `messages/writer/unindexed.py`."""
    table = cast("Table", UnindexedBatch.__table__)
    last = _FIRST
    while rows := await bulk.rows(_messages_after(last)):
        ids = [str(row[0]) for row in rows]
        others = await _recipients(bulk, ids)
        entries = [_entry(row, others[str(row[0])]) for row in rows]
        batch = (new_id_text(), orjson.dumps(entries).decode(), _NOBODY, now)
        await bulk.insert(table, ["id", "messages", "stored_by", "created_at"], [batch])
        last = UUID(ids[-1])


def _messages_after(last: UUID) -> Any:  # noqa: ANN401 - a select of these
    later = select(FanOut.message_id).where(FanOut.message_id == Message.id).exists()
    return (
        select(Message.id, Message.sender_id, Message.room_id, later)
        .where(Message.id > last)
        .order_by(Message.id)
        .limit(MOST_IN_ROW)
    )


async def _recipients(bulk: Bulk, ids: list[str]) -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    statement = select(Delivery.message_id, Delivery.recipient_id)
    for message_id, recipient_id in await bulk.rows(
        statement.where(Delivery.message_id.in_(map(UUID, ids)))
    ):
        found[str(message_id)].append(str(recipient_id))
    return found


def _entry(row: Row, recipients: list[str]) -> list[str]:
    message_id, sender_id, room_id, later = row
    if later or len(recipients) > MOST_NAMED:
        return [str(message_id)]
    room = [] if room_id is None else [str(room_id)]
    return [str(message_id), str(sender_id), *room, *recipients]


async def index_posts(bulk: Bulk) -> None:
    table = cast("Table", SearchEntry.__table__)
    last = _FIRST
    columns = select(Post.id, Post.title, Post.content).order_by(Post.id).limit(_POSTS)
    while rows := await bulk.rows(columns.where(Post.id > last)):
        entries = []
        for post_id, title, content in rows:
            text = searched_text(title, content)
            entries.append((POSTS, str(post_id), text, prepared(str(post_id), text).words))
        await bulk.insert(table, ["kind", "object_id", "body", "words"], entries)
        last = UUID(str(rows[-1][0]))
