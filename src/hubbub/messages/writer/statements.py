"""The statements of a batch, for both databases side by side.

A list is one parameter, JSON on SQLite and arrays on PostgreSQL, so that each statement is prepared
once whatever the size of the batch. On SQLite the answer is one row of JSON as well: the driver
lets other threads run at each step of a statement, so a row a step would mean a fight for the
interpreter at each row.
"""

from typing import NamedTuple


class Sql(NamedTuple):
    sqlite: tuple[str, ...]
    """Run one after the other with the same list; the last one answers."""
    postgresql: str


# the losers of a race for one key get nothing back
TAKE_KEYS = Sql(
    (
        """
        INSERT INTO idempotency_key (participant_id, key, body_hash, message_id, created_at)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)
        WHERE true ON CONFLICT DO NOTHING
        """,
    ),
    """
    INSERT INTO idempotency_key (participant_id, key, body_hash, message_id, created_at)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[])
    ON CONFLICT DO NOTHING
    """,
)
FIND_KEYS = Sql(
    (
        """
        SELECT json_group_array(json_array(k.participant_id, k.key, k.body_hash, k.message_id))
        FROM json_each(?) AS asked JOIN idempotency_key AS k
        ON k.participant_id = asked.value ->> 0 AND k.key = asked.value ->> 1
        """,
    ),
    """
    SELECT k.participant_id::text, k.key, k.body_hash, k.message_id::text
    FROM unnest($1::uuid[], $2::text[]) AS asked (participant_id, key)
    JOIN idempotency_key AS k USING (participant_id, key)
    """,
)
DROP_KEYS = Sql(
    (
        """
        DELETE FROM idempotency_key WHERE (participant_id, key) IN
            (SELECT value ->> 0, value ->> 1 FROM json_each(?))
        """,
    ),
    """
    DELETE FROM idempotency_key WHERE (participant_id, key) IN
        (SELECT * FROM unnest($1::uuid[], $2::text[]))
    """,
)
AGENTS_BY_ID = Sql(
    (
        """
        SELECT json_group_array(
            json_array(a.id, a.handle, a.kind, a.owner_id, a.accepts, c.open))
        FROM json_each(?) AS asked JOIN agent AS a ON a.id = asked.value
        LEFT JOIN counter AS c ON c.id = a.id WHERE a.deleted_at IS NULL
        """,
    ),
    """
    SELECT a.id::text, a.handle, a.kind, a.owner_id::text, a.accepts, c.open
    FROM agent AS a LEFT JOIN counter AS c ON c.id = a.id
    WHERE a.id = ANY($1::uuid[]) AND a.deleted_at IS NULL
    """,
)
AGENTS_BY_HANDLE = Sql(
    (
        """
        SELECT json_group_array(
            json_array(a.id, a.handle, a.kind, a.owner_id, a.accepts, c.open))
        FROM json_each(?) AS asked JOIN agent AS a ON a.handle = asked.value
        LEFT JOIN counter AS c ON c.id = a.id WHERE a.deleted_at IS NULL
        """,
    ),
    """
    SELECT a.id::text, a.handle, a.kind, a.owner_id::text, a.accepts, c.open
    FROM agent AS a LEFT JOIN counter AS c ON c.id = a.id
    WHERE a.handle = ANY($1::text[]) AND a.deleted_at IS NULL
    """,
)
BLOCKS = Sql(
    (
        """
        SELECT json_group_array(json_array(b.agent_id, b.blocked_id))
        FROM json_each(?) AS asked JOIN agent_block AS b
        ON b.agent_id = asked.value ->> 0 AND b.blocked_id = asked.value ->> 1
        """,
    ),
    """
    SELECT b.agent_id::text, b.blocked_id::text
    FROM unnest($1::uuid[], $2::uuid[]) AS asked (agent_id, blocked_id)
    JOIN agent_block AS b USING (agent_id, blocked_id)
    """,
)
CONTACTS = Sql(
    (
        """
        SELECT json_group_array(json_array(asked.value ->> 0, asked.value ->> 1))
        FROM json_each(?) AS asked
        WHERE EXISTS (SELECT 1 FROM agent_contact AS c WHERE c.state = 'accepted' AND
            c.agent_id = asked.value ->> 0 AND c.other_id = asked.value ->> 1)
        OR EXISTS (SELECT 1 FROM agent_contact AS c WHERE c.state = 'accepted' AND
            c.agent_id = asked.value ->> 1 AND c.other_id = asked.value ->> 0)
        """,
    ),
    """
    SELECT asked.one::text, asked.two::text FROM unnest($1::uuid[], $2::uuid[]) AS asked (one, two)
    WHERE EXISTS (SELECT 1 FROM agent_contact AS c WHERE c.state = 'accepted' AND
        ((c.agent_id = asked.one AND c.other_id = asked.two)
        OR (c.agent_id = asked.two AND c.other_id = asked.one)))
    """,
)
# a message can be answered by who sent it and by who got it
REPLIES = Sql(
    (
        """
        SELECT json_group_array(json_array(m.id, asked.value ->> 1, m.thread_id, m.hops))
        FROM json_each(?) AS asked JOIN message AS m ON m.id = asked.value ->> 0
        WHERE m.sender_id = asked.value ->> 1 OR EXISTS (SELECT 1 FROM delivery AS d
            WHERE d.message_id = m.id AND d.recipient_id = asked.value ->> 1)
        """,
    ),
    """
    SELECT m.id::text, asked.sender_id::text, m.thread_id::text, m.hops
    FROM unnest($1::uuid[], $2::uuid[]) AS asked (id, sender_id) JOIN message AS m USING (id)
    WHERE m.sender_id = asked.sender_id OR EXISTS (SELECT 1 FROM delivery AS d
        WHERE d.message_id = m.id AND d.recipient_id = asked.sender_id)
    """,
)
# in the order of the ids, which is the order in which PostgreSQL locks: no two batches wait for
# each other
ADVANCE = Sql(
    (
        """
        INSERT INTO counter (id, last_seq, first_seq, open)
        SELECT value ->> 0, value ->> 1, 1, value ->> 1 FROM json_each(?) WHERE true
        ON CONFLICT (id) DO UPDATE SET
            last_seq = last_seq + excluded.last_seq, open = open + excluded.open
        """,
        """
        SELECT json_group_array(json_array(c.id, c.last_seq))
        FROM json_each(?) AS asked JOIN counter AS c ON c.id = asked.value ->> 0
        """,
    ),
    """
    INSERT INTO counter AS c (id, last_seq, first_seq, open)
    SELECT id, number, 1, number FROM unnest($1::uuid[], $2::bigint[]) AS new (id, number)
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET
        last_seq = c.last_seq + excluded.last_seq, open = c.open + excluded.open
    RETURNING id::text, last_seq
    """,
)
MESSAGES = Sql(
    (
        """
        INSERT INTO message (id, sender_id, thread_id, reply_to, addressed, content, content_type,
            metadata, priority, hops, created_at, expires_at, ack_by)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
            value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11,
            value ->> 12 FROM json_each(?)
        """,
    ),
    """
    INSERT INTO message (id, sender_id, thread_id, reply_to, addressed, content, content_type,
        metadata, priority, hops, created_at, expires_at, ack_by)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::json[], $6::text[],
        $7::text[], $8::json[], $9::text[], $10::smallint[], $11::timestamptz[],
        $12::timestamptz[], $13::timestamptz[])
    """,
)
DELIVERIES = Sql(
    (
        """
        INSERT INTO delivery
            (recipient_id, seq, message_id, sender_id, state, created_at, expires_at, ack_by)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, 'queued', value ->> 4,
            value ->> 5, value ->> 6 FROM json_each(?)
        """,
    ),
    """
    INSERT INTO delivery
        (recipient_id, seq, message_id, sender_id, state, created_at, expires_at, ack_by)
    SELECT r, s, m, f, 'queued', c, e, a FROM unnest($1::uuid[], $2::bigint[], $3::uuid[],
        $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[])
        AS new (r, s, m, f, c, e, a)
    """,
)
# by the database's clock: another process may have to judge how long it has been waiting
UNINDEXED = Sql(
    (
        """
        INSERT INTO unindexed_batch (id, messages, stored_by, created_at)
        SELECT value ->> 0, value ->> 1, value ->> 2, strftime('%Y-%m-%d %H:%M:%f000', 'now')
        FROM json_each(?)
        """,
    ),
    """
    INSERT INTO unindexed_batch (id, messages, stored_by, created_at)
    SELECT i, m, s, statement_timestamp()
    FROM unnest($1::uuid[], $2::json[], $3::text[]) AS new (i, m, s)
    """,
)
