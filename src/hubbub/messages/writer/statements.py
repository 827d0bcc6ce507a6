"""The statements of a batch, for both databases side by side.

What is asked about many things at once is one parameter: JSON on SQLite, arrays on PostgreSQL, so
that each statement is prepared once whatever the size of the batch. On SQLite the answer is one row
of JSON as well: the driver lets other threads run at each step of a statement, so a row a step
would mean a fight for the interpreter at each row. What is inserted are rows of `VALUES` there,
which costs a third of taking JSON apart.
"""

from functools import lru_cache
from typing import NamedTuple


class Query(NamedTuple):
    """Asks about a list."""

    sqlite: str
    postgresql: str


class Insert(NamedTuple):
    """Stores rows; only PostgreSQL's may answer."""

    sqlite: tuple[str, str, str]
    """What stands before the rows, one row, and what stands behind them."""
    postgresql: str


@lru_cache(512)
def values(insert: Insert, rows: int) -> str:
    before, row, behind = insert.sqlite
    return f"{before} VALUES {', '.join([row] * rows)} {behind}"


# the losers of a race for one key get nothing back
TAKE_KEYS = Insert(
    (
        "INSERT INTO idempotency_key (participant_id, key, body_hash, message_id, created_at)",
        "(?, ?, ?, ?, ?)",
        "ON CONFLICT DO NOTHING",
    ),
    """
    INSERT INTO idempotency_key (participant_id, key, body_hash, message_id, created_at)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[])
    ON CONFLICT DO NOTHING
    """,
)
FIND_KEYS = Query(
    """
    SELECT json_group_array(json_array(k.participant_id, k.key, k.body_hash, k.message_id))
    FROM json_each(?) AS asked JOIN idempotency_key AS k
    ON k.participant_id = asked.value ->> 0 AND k.key = asked.value ->> 1
    """,
    """
    SELECT k.participant_id::text, k.key, k.body_hash, k.message_id::text
    FROM unnest($1::uuid[], $2::text[]) AS asked (participant_id, key)
    JOIN idempotency_key AS k USING (participant_id, key)
    """,
)
DROP_KEYS = Query(
    """
    DELETE FROM idempotency_key WHERE (participant_id, key) IN
        (SELECT value ->> 0, value ->> 1 FROM json_each(?))
    """,
    """
    DELETE FROM idempotency_key WHERE (participant_id, key) IN
        (SELECT * FROM unnest($1::uuid[], $2::text[]))
    """,
)
_PARTIES = Query(
    """
    SELECT json_group_array(json_array(a.id, a.handle, a.kind, a.owner_id, a.accepts,
        EXISTS (SELECT 1 FROM agent_block AS b WHERE b.agent_id = a.id), c.open, c.last_seq))
    FROM json_each(?) AS asked JOIN agent AS a ON a.{by} = asked.value
    LEFT JOIN counter AS c ON c.id = a.id WHERE a.deleted_at IS NULL
    """,
    """
    SELECT a.id::text, a.handle, a.kind, a.owner_id::text, a.accepts,
        EXISTS (SELECT 1 FROM agent_block AS b WHERE b.agent_id = a.id), c.open, c.last_seq
    FROM agent AS a LEFT JOIN counter AS c ON c.id = a.id
    WHERE a.{by} = ANY($1::{kind}[]) AND a.deleted_at IS NULL
    """,
)


def _parties(by: str, kind: str) -> Query:
    """With the numbers of their inboxes, and whether they block anybody: most don't, so nobody
    needs to ask whom."""
    return Query(*(each.format(by=by, kind=kind) for each in _PARTIES))


AGENTS_BY_ID = _parties("id", "uuid")
AGENTS_BY_HANDLE = _parties("handle", "text")
BLOCKS = Query(
    """
    SELECT json_group_array(json_array(b.agent_id, b.blocked_id))
    FROM json_each(?) AS asked JOIN agent_block AS b
    ON b.agent_id = asked.value ->> 0 AND b.blocked_id = asked.value ->> 1
    """,
    """
    SELECT b.agent_id::text, b.blocked_id::text
    FROM unnest($1::uuid[], $2::uuid[]) AS asked (agent_id, blocked_id)
    JOIN agent_block AS b USING (agent_id, blocked_id)
    """,
)
CONTACTS = Query(
    """
    SELECT json_group_array(json_array(asked.value ->> 0, asked.value ->> 1))
    FROM json_each(?) AS asked
    WHERE EXISTS (SELECT 1 FROM agent_contact AS c WHERE c.state = 'accepted' AND
        c.agent_id = asked.value ->> 0 AND c.other_id = asked.value ->> 1)
    OR EXISTS (SELECT 1 FROM agent_contact AS c WHERE c.state = 'accepted' AND
        c.agent_id = asked.value ->> 1 AND c.other_id = asked.value ->> 0)
    """,
    """
    SELECT asked.one::text, asked.two::text FROM unnest($1::uuid[], $2::uuid[]) AS asked (one, two)
    WHERE EXISTS (SELECT 1 FROM agent_contact AS c WHERE c.state = 'accepted' AND
        ((c.agent_id = asked.one AND c.other_id = asked.two)
        OR (c.agent_id = asked.two AND c.other_id = asked.one)))
    """,
)
# a message can be answered by who sent it and by who got it
REPLIES = Query(
    """
    SELECT json_group_array(json_array(m.id, asked.value ->> 1, m.thread_id, m.hops))
    FROM json_each(?) AS asked JOIN message AS m ON m.id = asked.value ->> 0
    WHERE m.sender_id = asked.value ->> 1 OR EXISTS (SELECT 1 FROM delivery AS d
        WHERE d.message_id = m.id AND d.recipient_id = asked.value ->> 1)
    """,
    """
    SELECT m.id::text, asked.sender_id::text, m.thread_id::text, m.hops
    FROM unnest($1::uuid[], $2::uuid[]) AS asked (id, sender_id) JOIN message AS m USING (id)
    WHERE m.sender_id = asked.sender_id OR EXISTS (SELECT 1 FROM delivery AS d
        WHERE d.message_id = m.id AND d.recipient_id = asked.sender_id)
    """,
)
# in the order of the ids, which is the order in which PostgreSQL locks: no two batches wait for
# each other. SQLite has one writer at a time, so what was read before still holds.
ADVANCE = Insert(
    (
        "INSERT INTO counter (id, last_seq, open, first_seq)",
        "(?, ?, ?, 1)",
        (
            "ON CONFLICT (id) DO UPDATE SET"
            " last_seq = last_seq + excluded.last_seq, open = open + excluded.open"
        ),
    ),
    """
    INSERT INTO counter AS c (id, last_seq, open, first_seq)
    SELECT id, number, open, 1
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS new (id, number, open)
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET
        last_seq = c.last_seq + excluded.last_seq, open = c.open + excluded.open
    RETURNING id::text, last_seq
    """,
)
MESSAGES = Insert(
    (
        (
            "INSERT INTO message (id, sender_id, thread_id, reply_to, addressed, content,"
            " content_type, metadata, priority, hops, created_at, expires_at, ack_by)"
        ),
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "",
    ),
    """
    INSERT INTO message (id, sender_id, thread_id, reply_to, addressed, content, content_type,
        metadata, priority, hops, created_at, expires_at, ack_by)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::json[], $6::text[],
        $7::text[], $8::json[], $9::text[], $10::smallint[], $11::timestamptz[],
        $12::timestamptz[], $13::timestamptz[])
    """,
)
DELIVERIES = Insert(
    (
        (
            "INSERT INTO delivery"
            " (recipient_id, seq, message_id, sender_id, state, created_at, expires_at, ack_by)"
        ),
        "(?, ?, ?, ?, 'queued', ?, ?, ?)",
        "",
    ),
    """
    INSERT INTO delivery
        (recipient_id, seq, message_id, sender_id, state, created_at, expires_at, ack_by)
    SELECT r, s, m, f, 'queued', c, e, a FROM unnest($1::uuid[], $2::bigint[], $3::uuid[],
        $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[])
        AS new (r, s, m, f, c, e, a)
    """,
)
