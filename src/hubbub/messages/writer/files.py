"""What is attached to messages. A batch without files does nothing of this."""

from collections.abc import Sequence

from hubbub.messages.models import MESSAGE
from hubbub.messages.writer.draft import Draft, Stored
from hubbub.messages.writer.statements import Insert, Query
from hubbub.messages.writer.steps import Ask, Steps

# on PostgreSQL none of them is deleted before the batch is committed
_FILES = Query(
    """
    SELECT json_group_array(json_array(f.id))
    FROM json_each(?) AS asked JOIN file AS f ON f.id = asked.value
    """,
    "SELECT id::text FROM file WHERE id = ANY($1::uuid[]) ORDER BY id FOR KEY SHARE",
)
_ATTACHMENTS = Insert(
    ("INSERT INTO attachment (kind, object_id, file_id, position)", "(?, ?, ?, ?)", ""),
    """
    INSERT INTO attachment (kind, object_id, file_id, position)
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::smallint[])
    """,
)


def lacking_files(drafts: Sequence[Draft]) -> Steps[list[Draft]]:
    """Those that name a file which the sender hasn't got, or which is deleted by now."""
    asked = {each["id"] for draft in drafts for each in draft.files if each is not None}
    rows = (yield Ask(_FILES, list(asked))) if asked else []
    there = {row[0] for row in rows}
    return [
        draft
        for draft in drafts
        if any(each is None or each["id"] not in there for each in draft.files)
    ]


def insert_attachments(stored: Sequence[Stored]) -> Steps[None]:
    rows = [
        (MESSAGE, each.message_id, file["id"], position)
        for each in stored
        for position, file in enumerate(each.draft.files)
        if file is not None
    ]
    if rows:
        yield Ask(_ATTACHMENTS, rows, answers=False)
