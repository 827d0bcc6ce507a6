"""pushes to gateways

Revision: 95b7af6a2f5d
Follows: 5380a999790c
"""

import sqlalchemy as sa
from alembic import op

revision: str = "95b7af6a2f5d"
down_revision: str | None = "5380a999790c"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("message_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("recipient_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ms", sa.Integer(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("excerpt", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_attempt_message_id"),
            ["message_id", "recipient_id", "number"],
            unique=False,
        )

    op.create_table(
        "lane",
        sa.Column("agent_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pause_reason", sa.String(length=64), nullable=True),
        sa.Column("pause_advice", sa.String(), nullable=True),
        sa.Column("probes", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_lane")),
    )
    with op.batch_alter_table("lane", schema=None) as batch_op:
        batch_op.create_index(
            "ix_lane_due",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )

    op.create_table(
        "push",
        sa.Column("recipient_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("rank", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("message_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posting", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("recipient_id", "rank", "seq", name=op.f("pk_push")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("agent", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("retry_ambiguous", sa.Boolean(), server_default=sa.false(), nullable=False)
        )

    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False)
        )
        batch_op.add_column(sa.Column("reason", sa.String(length=64), nullable=True))

    # what has been waiting for this
    op.execute(
        """
        INSERT INTO push
            (recipient_id, rank, seq, message_id, attempts, due_at, posting, created_at)
        SELECT d.recipient_id,
            CASE WHEN a.ordered OR a.gateway_kind = 'openclaw' THEN 2 ELSE
                CASE m.priority WHEN 'urgent' THEN 0 WHEN 'high' THEN 1 WHEN 'low' THEN 3 ELSE 2 END
            END,
            d.seq, d.message_id, 0, d.created_at, false, d.created_at
        FROM delivery AS d JOIN agent AS a ON a.id = d.recipient_id
        JOIN message AS m ON m.id = d.message_id
        WHERE d.state = 'queued' AND a.gateway_kind <> 'none'
        """
    )
    op.execute(
        """
        INSERT INTO lane (agent_id, due_at, fence, failures, probes)
        SELECT recipient_id, min(due_at), 0, 0, 0 FROM push GROUP BY recipient_id
        """
    )


def downgrade() -> None:
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_column("reason")
        batch_op.drop_column("attempts")

    with op.batch_alter_table("agent", schema=None) as batch_op:
        batch_op.drop_column("retry_ambiguous")

    op.drop_table("push")
    with op.batch_alter_table("lane", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_lane_due",
            postgresql_where=sa.text("due_at IS NOT NULL"),
            sqlite_where=sa.text("due_at IS NOT NULL"),
        )

    op.drop_table("lane")
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attempt_message_id"))

    op.drop_table("attempt")
