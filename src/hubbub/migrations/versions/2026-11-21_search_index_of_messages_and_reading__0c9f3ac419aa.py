"""Search index of messages, and reading them by the page

Revision: 0c9f3ac419aa
Follows: bb3b2f7a8d08
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0c9f3ac419aa"
down_revision: str | None = "bb3b2f7a8d08"
branch_labels: str | None = None
depends_on: str | None = None

AWAITS_ACK = "ack_by IS NOT NULL AND state IN ('queued', 'delivered', 'failed')"


def upgrade() -> None:
    op.create_table(
        "unindexed_batch",
        sa.Column("id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("messages", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("stored_by", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unindexed_batch")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        # most messages are no reply: the index, and each send, is spared them
        batch_op.drop_index("ix_message_thread_id")
        batch_op.create_index(
            "ix_message_thread",
            ["thread_id", "id"],
            unique=False,
            postgresql_where=sa.text("reply_to IS NOT NULL"),
            sqlite_where=sa.text("reply_to IS NOT NULL"),
        )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_delivery_recipient_id"), ["recipient_id", "message_id"], unique=False
        )
        # what is acknowledged leaves the index: what is overdue is found without passing by it
        batch_op.drop_index("ix_delivery_ack_by")
        batch_op.create_index(
            "ix_delivery_ack_by",
            ["ack_by"],
            unique=False,
            postgresql_where=sa.text(AWAITS_ACK),
            sqlite_where=sa.text(AWAITS_ACK),
        )


def downgrade() -> None:
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_ack_by")
        batch_op.create_index(
            "ix_delivery_ack_by",
            ["ack_by"],
            unique=False,
            postgresql_where=sa.text("ack_by IS NOT NULL"),
            sqlite_where=sa.text("ack_by IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_delivery_recipient_id"))

    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index("ix_message_thread")
        batch_op.create_index("ix_message_thread_id", ["thread_id", "id"], unique=False)
    op.drop_table("unindexed_batch")
