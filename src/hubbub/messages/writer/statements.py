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
# ruff: noqa: S608 - what is put together are our own words
_PUSHED = (
    "CASE WHEN a.gateway_kind = 'none' THEN 0"
    " WHEN a.ordered OR a.gateway_kind = 'openclaw' THEN 2 ELSE 1 END"
)
"""Of a participant: 0 fetches its messages itself, 1 is pushed to, 2 one after the other."""
_PARTIES = Query(
    """
    SELECT json_group_array(json_array(a.id, a.handle, a.kind, a.owner_id, a.accepts,
        EXISTS (SELECT 1 FROM agent_block AS b WHERE b.agent_id = a.id), c.open, c.last_seq,
        {pushed}))
    FROM json_each(?) AS asked JOIN agent AS a ON a.{by} = asked.value
    LEFT JOIN counter AS c ON c.id = a.id WHERE a.deleted_at IS NULL
    """,
    """
    SELECT a.id::text, a.handle, a.kind, a.owner_id::text, a.accepts,
        EXISTS (SELECT 1 FROM agent_block AS b WHERE b.agent_id = a.id), c.open, c.last_seq,
        {pushed}
    FROM agent AS a LEFT JOIN counter AS c ON c.id = a.id
    WHERE a.{by} = ANY($1::{kind}[]) AND a.deleted_at IS NULL
    """,
)


def _parties(by: str, kind: str) -> Query:
    """With the numbers of their inboxes, and whether they block anybody: most don't, so nobody
    needs to ask whom."""
    return Query(*(each.format(by=by, kind=kind, pushed=_PUSHED) for each in _PARTIES))


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
# as the sender sees them: with its own role there
ROOMS = Query(
    """
    SELECT json_group_array(json_array(r.name, asked.value ->> 1, r.id, r.visibility, m.role,
        r.deleted_at IS NOT NULL, c.last_seq))
    FROM json_each(?) AS asked JOIN room AS r ON r.name = asked.value ->> 0
    LEFT JOIN room_member AS m ON m.room_id = r.id AND m.participant_id = asked.value ->> 1
    LEFT JOIN counter AS c ON c.id = r.id
    """,
    """
    SELECT r.name, asked.sender_id::text, r.id::text, r.visibility, m.role,
        r.deleted_at IS NOT NULL, c.last_seq
    FROM unnest($1::text[], $2::uuid[]) AS asked (name, sender_id) JOIN room AS r USING (name)
    LEFT JOIN room_member AS m ON m.room_id = r.id AND m.participant_id = asked.sender_id
    LEFT JOIN counter AS c ON c.id = r.id
    """,
)
# those who hear what is said
ROOM_MEMBERS = Query(
    f"""
    SELECT json_group_array(json_array(m.room_id, m.participant_id, c.last_seq, {_PUSHED}))
    FROM json_each(?) AS asked JOIN room_member AS m ON m.room_id = asked.value AND NOT m.muted
    JOIN agent AS a ON a.id = m.participant_id AND a.deleted_at IS NULL
    LEFT JOIN counter AS c ON c.id = m.participant_id
    """,
    f"""
    SELECT m.room_id::text, m.participant_id::text, c.last_seq, {_PUSHED}
    FROM room_member AS m JOIN agent AS a ON a.id = m.participant_id AND a.deleted_at IS NULL
    LEFT JOIN counter AS c ON c.id = m.participant_id
    WHERE m.room_id = ANY($1::uuid[]) AND NOT m.muted
    """,
)
# a message can be answered by who sent it, by who got it, and by who may read it in its room
REPLIES = Query(
    """
    SELECT json_group_array(json_array(m.id, asked.value ->> 1, m.thread_id, m.hops))
    FROM json_each(?) AS asked JOIN message AS m ON m.id = asked.value ->> 0
    WHERE m.sender_id = asked.value ->> 1 OR EXISTS (SELECT 1 FROM delivery AS d
        WHERE d.message_id = m.id AND d.recipient_id = asked.value ->> 1)
    OR EXISTS (SELECT 1 FROM room_message AS s JOIN room AS r ON r.id = s.room_id
        JOIN room_member AS p ON p.room_id = r.id AND p.participant_id = asked.value ->> 1
        WHERE s.message_id = m.id AND m.withdrawn_at IS NULL AND
            (r.visibility = 'public' OR r.history = 'all' OR s.seq > p.joined_seq))
    """,
    """
    SELECT m.id::text, asked.sender_id::text, m.thread_id::text, m.hops
    FROM unnest($1::uuid[], $2::uuid[]) AS asked (id, sender_id) JOIN message AS m USING (id)
    WHERE m.sender_id = asked.sender_id OR EXISTS (SELECT 1 FROM delivery AS d
        WHERE d.message_id = m.id AND d.recipient_id = asked.sender_id)
    OR EXISTS (SELECT 1 FROM room_message AS s JOIN room AS r ON r.id = s.room_id
        JOIN room_member AS p ON p.room_id = r.id AND p.participant_id = asked.sender_id
        WHERE s.message_id = m.id AND m.withdrawn_at IS NULL AND
            (r.visibility = 'public' OR r.history = 'all' OR s.seq > p.joined_seq))
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
            "INSERT INTO message (id, sender_id, thread_id, room_id, reply_to, addressed, content,"
            " content_type, metadata, priority, hops, created_at, deliver_at, expires_at, ack_by,"
            " files)"
        ),
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "",
    ),
    """
    INSERT INTO message (id, sender_id, thread_id, room_id, reply_to, addressed, content,
        content_type, metadata, priority, hops, created_at, deliver_at, expires_at, ack_by, files)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::json[],
        $7::text[], $8::text[], $9::json[], $10::text[], $11::smallint[], $12::timestamptz[],
        $13::timestamptz[], $14::timestamptz[], $15::timestamptz[], $16::json[])
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
# what is pushed, and the lanes in which that happens: these are the last to be locked, in the
# order of the ids
PUSHES = Insert(
    (
        (
            "INSERT INTO push"
            " (recipient_id, rank, seq, message_id, attempts, due_at, posting, created_at)"
        ),
        "(?, ?, ?, ?, 0, strftime('%Y-%m-%d %H:%M:%f000', 'now'), 0, ?)",
        "",
    ),
    """
    INSERT INTO push (recipient_id, rank, seq, message_id, attempts, due_at, posting, created_at)
    SELECT r, k, s, m, 0, statement_timestamp(), false, c FROM unnest($1::uuid[], $2::smallint[],
        $3::bigint[], $4::uuid[], $5::timestamptz[]) AS new (r, k, s, m, c)
    """,
)
LANES = Insert(
    (
        "INSERT INTO lane (agent_id, due_at, fence, failures, probes)",
        "(?, strftime('%Y-%m-%d %H:%M:%f000', 'now'), 0, 0, 0)",
        (
            "ON CONFLICT (agent_id) DO UPDATE"
            " SET due_at = max(coalesce(held_until, ''), excluded.due_at)"
            " WHERE due_at IS NULL OR due_at > max(coalesce(held_until, ''), excluded.due_at)"
        ),
    ),
    """
    INSERT INTO lane AS l (agent_id, due_at, fence, failures, probes)
    SELECT agent_id, statement_timestamp(), 0, 0, 0 FROM unnest($1::uuid[]) AS new (agent_id)
    ORDER BY agent_id
    ON CONFLICT (agent_id) DO UPDATE SET due_at = greatest(l.held_until, excluded.due_at)
    WHERE l.due_at IS NULL OR l.due_at > greatest(l.held_until, excluded.due_at)
    """,
)
ROOM_MESSAGES = Insert(
    ("INSERT INTO room_message (room_id, seq, message_id)", "(?, ?, ?)", ""),
    """
    INSERT INTO room_message (room_id, seq, message_id)
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[])
    """,
)
FAN_OUTS = Insert(
    (
        ("INSERT INTO fan_out (message_id, due_at, to_everyone, recipients, reached, skipped)"),
        "(?, ?, ?, ?, 0, 0)",
        "",
    ),
    """
    INSERT INTO fan_out (message_id, due_at, to_everyone, recipients, reached, skipped)
    SELECT m, d, e, r, 0, 0 FROM unnest($1::uuid[], $2::timestamptz[], $3::boolean[], $4::json[])
        AS new (m, d, e, r)
    """,
)
# one that is due, locked so that two processes never take the same
DUE = Query(
    """
    SELECT json_group_array(json_array(id, sender_id, room_id, to_everyone, recipients, after_id,
        expires_at, ack_by, content_type,
        CASE WHEN room_id IS NOT NULL AND instr(content, '@') THEN content ELSE '' END, priority))
    FROM (SELECT * FROM fan_out AS f JOIN message AS m ON m.id = f.message_id
        WHERE f.done_at IS NULL AND f.due_at <= strftime('%Y-%m-%d %H:%M:%f000', 'now')
        ORDER BY f.due_at LIMIT (SELECT max(value) FROM json_each(?)))
    """,
    """
    SELECT m.id::text, m.sender_id::text, m.room_id::text, f.to_everyone, f.recipients,
        f.after_id::text, m.expires_at, m.ack_by, m.content_type,
        CASE WHEN m.room_id IS NOT NULL AND strpos(m.content, '@') > 0 THEN m.content ELSE '' END,
        m.priority
    FROM fan_out AS f JOIN message AS m ON m.id = f.message_id
    WHERE f.done_at IS NULL AND f.due_at <= statement_timestamp()
    ORDER BY f.due_at LIMIT ($1::int[])[1] FOR UPDATE OF f SKIP LOCKED
    """,
)
PUT_OFF = Query(
    """
    UPDATE fan_out SET due_at = strftime('%Y-%m-%d %H:%M:%f000', 'now', '+60 seconds')
    FROM json_each(?) AS new WHERE message_id = new.value ->> 0
    """,
    """
    UPDATE fan_out SET due_at = statement_timestamp() + interval '60 seconds'
    FROM unnest($1::uuid[]) AS new (id) WHERE message_id = new.id
    """,
)
# as for one that speaks at once, the room by its id
ROOMS_BY_ID = Query(
    """
    SELECT json_group_array(json_array(r.id, m.role, r.deleted_at IS NOT NULL, c.last_seq))
    FROM json_each(?) AS asked JOIN room AS r ON r.id = asked.value ->> 0
    LEFT JOIN room_member AS m ON m.room_id = r.id AND m.participant_id = asked.value ->> 1
    LEFT JOIN counter AS c ON c.id = r.id
    """,
    """
    SELECT r.id::text, m.role, r.deleted_at IS NOT NULL, c.last_seq
    FROM unnest($1::uuid[], $2::uuid[]) AS asked (id, sender_id) JOIN room AS r USING (id)
    LEFT JOIN room_member AS m ON m.room_id = r.id AND m.participant_id = asked.sender_id
    LEFT JOIN counter AS c ON c.id = r.id
    """,
)
# the next of all participants, in the order of their ids
NEXT_OF_ALL = Query(
    f"""
    SELECT json_group_array(json_array(id, handle, kind, owner_id, accepts, blocks, open, last_seq,
        pushed))
    FROM (SELECT a.*, c.open, c.last_seq, {_PUSHED} AS pushed,
            EXISTS (SELECT 1 FROM agent_block AS b WHERE b.agent_id = a.id) AS blocks
        FROM json_each(?) AS asked JOIN agent AS a ON a.id > asked.value ->> 0
        LEFT JOIN counter AS c ON c.id = a.id
        WHERE a.deleted_at IS NULL ORDER BY a.id LIMIT 500)
    """,
    f"""
    SELECT a.id::text, a.handle, a.kind, a.owner_id::text, a.accepts,
        EXISTS (SELECT 1 FROM agent_block AS b WHERE b.agent_id = a.id), c.open, c.last_seq,
        {_PUSHED}
    FROM agent AS a LEFT JOIN counter AS c ON c.id = a.id
    WHERE a.id > ($1::uuid[])[1] AND a.deleted_at IS NULL ORDER BY a.id LIMIT 500
    """,
)
FANNED_OUT = Query(
    """
    UPDATE fan_out SET after_id = new.value ->> 1, reached = reached + (new.value ->> 2),
        skipped = skipped + (new.value ->> 3),
        done_at = CASE WHEN new.value ->> 4 THEN strftime('%Y-%m-%d %H:%M:%f000', 'now') END
    FROM json_each(?) AS new WHERE message_id = new.value ->> 0
    """,
    """
    UPDATE fan_out AS f SET after_id = new.after_id, reached = f.reached + new.reached,
        skipped = f.skipped + new.skipped,
        done_at = CASE WHEN new.done THEN statement_timestamp() END
    FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::boolean[])
        AS new (message_id, after_id, reached, skipped, done)
    WHERE f.message_id = new.message_id
    """,
)
# those who are named in what is said, muted or not
NAMED_MEMBERS = Query(
    """
    SELECT json_group_array(json_array(m.room_id, a.handle, a.id))
    FROM json_each(?) AS asked JOIN agent AS a
        ON a.handle = asked.value ->> 1 AND a.deleted_at IS NULL
    JOIN room_member AS m ON m.room_id = asked.value ->> 0 AND m.participant_id = a.id
    """,
    """
    SELECT m.room_id::text, a.handle, a.id::text
    FROM unnest($1::uuid[], $2::text[]) AS asked (room_id, handle)
    JOIN agent AS a ON a.handle = asked.handle AND a.deleted_at IS NULL
    JOIN room_member AS m ON m.room_id = asked.room_id AND m.participant_id = a.id
    """,
)
EVENTS = Insert(
    (
        "INSERT INTO outbox_event (id, topic, payload, created_at)",
        "(?, ?, ?, strftime('%Y-%m-%d %H:%M:%f000', 'now'))",
        "",
    ),
    """
    INSERT INTO outbox_event (id, topic, payload, created_at)
    SELECT i, t, p, statement_timestamp()
    FROM unnest($1::uuid[], $2::text[], $3::json[]) AS new (i, t, p)
    """,
)
# by the database's clock: another process may have to judge how long it has been waiting
UNINDEXED = Insert(
    (
        "INSERT INTO unindexed_batch (id, messages, stored_by, created_at)",
        "(?, ?, ?, strftime('%Y-%m-%d %H:%M:%f000', 'now'))",
        "",
    ),
    """
    INSERT INTO unindexed_batch (id, messages, stored_by, created_at)
    SELECT i, m, s, statement_timestamp()
    FROM unnest($1::uuid[], $2::json[], $3::text[]) AS new (i, m, s)
    """,
)
