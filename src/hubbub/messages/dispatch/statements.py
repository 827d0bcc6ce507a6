"""What a turn asks the database. As in the writer, an answer of SQLite is one row of JSON."""

from hubbub.messages.writer.statements import Insert, Query

# ruff: noqa: S608 - what is put together are our own words

_SQLITE_NOW = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"

_SQLITE_LANE = f"""
    json_group_array(json_array(l.agent_id, l.fence, {_SQLITE_NOW}, l.held_until, l.failures,
        l.failing_since, l.paused_at, l.pause_reason, l.pause_advice, l.probes,
        a.handle, a.display_name, a.gateway_kind, a.gateway_url, hex(a.gateway_token),
        a.session_key, a.ordered, a.max_in_flight, a.retry_ambiguous,
        (SELECT json_group_array(json_array(s.id, hex(s.secret))) FROM agent_signing_secret AS s
            WHERE s.agent_id = a.id AND (s.expires_at IS NULL OR s.expires_at > {_SQLITE_NOW}))))
"""
_POSTGRESQL_LANE = """
    SELECT l.agent_id::text, l.fence, statement_timestamp(), l.held_until, l.failures,
        l.failing_since, l.paused_at, l.pause_reason, l.pause_advice, l.probes,
        a.handle, a.display_name, a.gateway_kind, a.gateway_url, encode(a.gateway_token, 'hex'),
        a.session_key, a.ordered, a.max_in_flight, a.retry_ambiguous,
        (SELECT json_agg(json_build_array(s.id, encode(s.secret, 'hex')))
            FROM agent_signing_secret AS s WHERE s.agent_id = a.id
            AND (s.expires_at IS NULL OR s.expires_at > statement_timestamp()))
"""
# those that we hold still: who has another number has lost it. Locked in the order of the ids, as
# the writer does
HELD = Query(
    f"""
    SELECT {_SQLITE_LANE} FROM json_each(?) AS asked
    JOIN lane AS l ON l.agent_id = asked.value ->> 0 AND l.fence = asked.value ->> 1
    JOIN agent AS a ON a.id = l.agent_id
    """,
    f"""
    {_POSTGRESQL_LANE} FROM unnest($1::uuid[], $2::bigint[]) AS asked (agent_id, fence)
    JOIN lane AS l ON l.agent_id = asked.agent_id AND l.fence = asked.fence
    JOIN agent AS a ON a.id = l.agent_id
    ORDER BY l.agent_id FOR UPDATE OF l
    """,
)
# the longest due first; what another process has locked or leased isn't waited for
FREE = Query(
    f"""
    SELECT {_SQLITE_LANE} FROM (SELECT * FROM lane
        WHERE due_at <= {_SQLITE_NOW} AND (lease_until IS NULL OR lease_until <= {_SQLITE_NOW})
        ORDER BY due_at LIMIT (SELECT value FROM json_each(?))) AS l
    JOIN agent AS a ON a.id = l.agent_id
    """,
    f"""
    WITH free AS MATERIALIZED (SELECT * FROM lane
        WHERE due_at <= statement_timestamp()
        AND (lease_until IS NULL OR lease_until <= statement_timestamp())
        ORDER BY due_at LIMIT ($1::int[])[1] FOR UPDATE SKIP LOCKED)
    {_POSTGRESQL_LANE} FROM free AS l JOIN agent AS a ON a.id = l.agent_id
    """,
)
LANES = Query(
    """
    UPDATE lane SET fence = new.value ->> 1, due_at = new.value ->> 2, held_until = new.value ->> 3,
        lease_until = new.value ->> 4, failures = new.value ->> 5, failing_since = new.value ->> 6,
        paused_at = new.value ->> 7, pause_reason = new.value ->> 8,
        pause_advice = new.value ->> 9, probes = new.value ->> 10
    FROM json_each(?) AS new WHERE agent_id = new.value ->> 0
    """,
    """
    UPDATE lane AS l SET fence = new.fence, due_at = new.due_at, held_until = new.held_until,
        lease_until = new.lease_until, failures = new.failures, failing_since = new.failing_since,
        paused_at = new.paused_at, pause_reason = new.pause_reason,
        pause_advice = new.pause_advice, probes = new.probes
    FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[],
        $6::int[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[], $11::smallint[])
        AS new (agent_id, fence, due_at, held_until, lease_until, failures, failing_since,
            paused_at, pause_reason, pause_advice, probes)
    WHERE l.agent_id = new.agent_id
    """,
)
_MESSAGE = """
    m.thread_id{text}, m.reply_to{text}, m.content, m.content_type, m.metadata, m.priority,
    m.created_at, m.expires_at, m.ack_by, m.files, s.id{text}, s.handle, s.display_name, s.kind,
    r.name
"""
_JOINS = """
    LEFT JOIN delivery AS d ON d.recipient_id = p.recipient_id AND d.seq = p.seq
    LEFT JOIN message AS m ON m.id = p.message_id
    LEFT JOIN agent AS s ON s.id = m.sender_id
    LEFT JOIN room AS r ON r.id = m.room_id
"""
# of a lane the first ones that are due; `whole`: the first ones of all, of which only those that
# are due count, unless it may be `early`. SQLite has no LATERAL: one lane at a time
NEXT = Query(
    f"""
    WITH asked AS (SELECT value ->> 0 AS agent_id, value ->> 1 AS most, value ->> 2 AS whole,
        value ->> 3 AS early FROM json_each(?))
    SELECT json_group_array(json_array(p.recipient_id, p.rank, p.seq, p.message_id, p.attempts,
        p.posting, d.state, d.attempts, {_MESSAGE.format(text="")}))
    FROM (SELECT * FROM push WHERE recipient_id = (SELECT agent_id FROM asked)
        AND ((SELECT whole FROM asked) OR due_at <= {_SQLITE_NOW})
        ORDER BY rank, seq LIMIT (SELECT most FROM asked)) AS p
    {_JOINS}
    WHERE (SELECT early FROM asked) OR p.due_at <= {_SQLITE_NOW}
    """,
    f"""
    SELECT p.recipient_id::text, p.rank, p.seq, p.message_id::text, p.attempts, p.posting,
        d.state, d.attempts, {_MESSAGE.format(text="::text")}
    FROM unnest($1::uuid[], $2::int[], $3::boolean[], $4::boolean[])
        AS asked (agent_id, most, whole, early)
    CROSS JOIN LATERAL (SELECT * FROM push AS q WHERE q.recipient_id = asked.agent_id
        AND (asked.whole OR q.due_at <= statement_timestamp())
        ORDER BY q.rank, q.seq LIMIT asked.most) AS p
    {_JOINS}
    WHERE asked.early OR p.due_at <= statement_timestamp()
    ORDER BY p.recipient_id, p.rank, p.seq
    """,
)
# when a lane has something to do again: `head` when its first one is due, `waiting` where all that
# is left waits for another try, `any` at once if there is anything at all
NEXT_DUE = Query(
    f"""
    SELECT json_group_array(json_array(asked.value ->> 0, CASE asked.value ->> 1
        WHEN 'waiting' THEN coalesce(
            (SELECT min(due_at) FROM push WHERE recipient_id = asked.value ->> 0 AND attempts > 0),
            (SELECT due_at FROM push WHERE recipient_id = asked.value ->> 0 LIMIT 1))
        WHEN 'head' THEN (SELECT due_at FROM push WHERE recipient_id = asked.value ->> 0
            ORDER BY rank, seq LIMIT 1)
        ELSE (SELECT {_SQLITE_NOW} FROM push WHERE recipient_id = asked.value ->> 0 LIMIT 1) END))
    FROM json_each(?) AS asked
    """,
    """
    SELECT asked.agent_id::text, CASE asked.how
        WHEN 'waiting' THEN coalesce(
            (SELECT min(due_at) FROM push WHERE recipient_id = asked.agent_id AND attempts > 0),
            (SELECT due_at FROM push WHERE recipient_id = asked.agent_id LIMIT 1))
        WHEN 'head' THEN (SELECT due_at FROM push WHERE recipient_id = asked.agent_id
            ORDER BY rank, seq LIMIT 1)
        ELSE (SELECT statement_timestamp() FROM push WHERE recipient_id = asked.agent_id LIMIT 1)
        END
    FROM unnest($1::uuid[], $2::text[]) AS asked (agent_id, how)
    """,
)
# what is no delivery to be pushed any more, among a thousand from the first that was met
STALE = Query(
    """
    WITH asked AS (SELECT value ->> 0 AS agent_id, value ->> 1 AS rank, value ->> 2 AS seq
        FROM json_each(?))
    DELETE FROM push WHERE (recipient_id, rank, seq) IN (
        SELECT p.recipient_id, p.rank, p.seq FROM (SELECT recipient_id, rank, seq FROM push
            WHERE recipient_id = (SELECT agent_id FROM asked)
            AND (rank, seq) >= ((SELECT rank FROM asked), (SELECT seq FROM asked))
            ORDER BY rank, seq LIMIT 1000) AS p
        LEFT JOIN delivery AS d ON d.recipient_id = p.recipient_id AND d.seq = p.seq
        WHERE d.state IS NULL OR d.state <> 'queued')
    """,
    """
    DELETE FROM push WHERE (recipient_id, rank, seq) IN (
        SELECT p.recipient_id, p.rank, p.seq
        FROM unnest($1::uuid[], $2::smallint[], $3::bigint[]) AS asked (agent_id, rank, seq)
        CROSS JOIN LATERAL (SELECT q.recipient_id, q.rank, q.seq FROM push AS q
            WHERE q.recipient_id = asked.agent_id AND (q.rank, q.seq) >= (asked.rank, asked.seq)
            ORDER BY q.rank, q.seq LIMIT 1000) AS p
        LEFT JOIN delivery AS d ON d.recipient_id = p.recipient_id AND d.seq = p.seq
        WHERE d.state IS NULL OR d.state <> 'queued')
    """,
)
ALL_OF = Query(
    "DELETE FROM push WHERE recipient_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM push WHERE recipient_id = ANY($1::uuid[])",
)
# the rank may change meanwhile, with the agent; there is one push for a delivery
BEGUN = Query(
    """
    UPDATE push SET posting = 1 FROM json_each(?) AS new
    WHERE recipient_id = new.value ->> 0 AND rank IN (0, 1, 2, 3) AND seq = new.value ->> 2
    """,
    """
    UPDATE push AS p SET posting = true
    FROM unnest($1::uuid[], $2::smallint[], $3::bigint[]) AS new (recipient_id, rank, seq)
    WHERE p.recipient_id = new.recipient_id AND p.rank IN (0, 1, 2, 3) AND p.seq = new.seq
    """,
)
ENDED = Query(
    """
    DELETE FROM push WHERE (recipient_id, rank, seq) IN
        (SELECT done.value ->> 0, ranks.column1, done.value ->> 2
        FROM json_each(?) AS done, (VALUES (0), (1), (2), (3)) AS ranks)
    """,
    """
    DELETE FROM push AS p USING unnest($1::uuid[], $2::smallint[], $3::bigint[])
        AS done (recipient_id, rank, seq)
    WHERE p.recipient_id = done.recipient_id AND p.rank IN (0, 1, 2, 3) AND p.seq = done.seq
    """,
)
LATER = Query(
    """
    UPDATE push SET posting = 0, attempts = new.value ->> 3, due_at = new.value ->> 4
    FROM json_each(?) AS new
    WHERE recipient_id = new.value ->> 0 AND rank IN (0, 1, 2, 3) AND seq = new.value ->> 2
    """,
    """
    UPDATE push AS p SET posting = false, attempts = new.attempts, due_at = new.due_at
    FROM unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::smallint[], $5::timestamptz[])
        AS new (recipient_id, rank, seq, attempts, due_at)
    WHERE p.recipient_id = new.recipient_id AND p.rank IN (0, 1, 2, 3) AND p.seq = new.seq
    """,
)
# the writer locks these before lanes; SQLite has nothing to lock
INBOXES = Query(
    "SELECT '[]', ?", "SELECT id FROM counter WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
)
STATES = Query(
    """
    SELECT json_group_array(json_array(d.recipient_id, d.seq, d.state, d.sender_id))
    FROM json_each(?) AS asked
    JOIN delivery AS d ON d.recipient_id = asked.value ->> 0 AND d.seq = asked.value ->> 1
    """,
    """
    SELECT d.recipient_id::text, d.seq, d.state, d.sender_id::text
    FROM unnest($1::uuid[], $2::bigint[]) AS asked (recipient_id, seq)
    JOIN delivery AS d ON d.recipient_id = asked.recipient_id AND d.seq = asked.seq
    ORDER BY d.recipient_id, d.seq FOR UPDATE OF d
    """,
)
DELIVERIES = Query(
    f"""
    UPDATE delivery SET attempts = attempts + 1, reason = new.value ->> 3,
        delivered_at = CASE WHEN new.value ->> 2 = 'delivered'
            THEN coalesce(delivered_at, {_SQLITE_NOW}) ELSE delivered_at END,
        state = new.value ->> 2
    FROM json_each(?) AS new
    WHERE recipient_id = new.value ->> 0 AND seq = new.value ->> 1
    """,
    """
    UPDATE delivery AS d SET attempts = d.attempts + 1, reason = new.reason,
        delivered_at = CASE WHEN new.state = 'delivered'
            THEN coalesce(d.delivered_at, statement_timestamp()) ELSE d.delivered_at END,
        state = new.state
    FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[])
        AS new (recipient_id, seq, state, reason)
    WHERE d.recipient_id = new.recipient_id AND d.seq = new.seq
    """,
)
CLOSED = Query(
    """
    UPDATE counter SET open = open - (new.value ->> 1) FROM json_each(?) AS new
    WHERE counter.id = new.value ->> 0
    """,
    """
    UPDATE counter AS c SET open = c.open - new.count
    FROM unnest($1::uuid[], $2::bigint[]) AS new (id, count) WHERE c.id = new.id
    """,
)
ATTEMPTS = Insert(
    (
        (
            "INSERT INTO attempt"
            " (id, message_id, recipient_id, number, at, ms, status, outcome, reason, excerpt)"
        ),
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "",
    ),
    """
    INSERT INTO attempt
        (id, message_id, recipient_id, number, at, ms, status, outcome, reason, excerpt)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::timestamptz[],
        $6::int[], $7::int[], $8::text[], $9::text[], $10::text[])
    """,
)
ACTS = Insert(
    (
        "INSERT INTO activity (id, at, action, target_kind, target_id, details)",
        f"(?, {_SQLITE_NOW}, ?, 'agent', ?, ?)",
        "",
    ),
    """
    INSERT INTO activity (id, at, action, target_kind, target_id, details)
    SELECT i, statement_timestamp(), a, 'agent', t, d
    FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::json[]) AS new (i, a, t, d)
    """,
)
EVENTS = Insert(
    (
        "INSERT INTO outbox_event (id, topic, payload, created_at)",
        f"(?, ?, ?, {_SQLITE_NOW})",
        "",
    ),
    """
    INSERT INTO outbox_event (id, topic, payload, created_at)
    SELECT i, t, p, statement_timestamp()
    FROM unnest($1::uuid[], $2::text[], $3::json[]) AS new (i, t, p)
    """,
)
