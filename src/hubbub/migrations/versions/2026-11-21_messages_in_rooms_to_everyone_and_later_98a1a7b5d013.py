"""messages in rooms, to everyone, and later

Revision: 98a1a7b5d013
Follows: 0c9f3ac419aa
"""

import sqlalchemy as sa
from alembic import op

revision: str = "98a1a7b5d013"
down_revision: str | None = "0c9f3ac419aa"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "fan_out",
        sa.Column("message_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_everyone", sa.Boolean(), nullable=False),
        sa.Column("recipients", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("after_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=True),
        sa.Column("reached", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_fan_out")),
    )
    with op.batch_alter_table("fan_out", schema=None) as batch_op:
        batch_op.create_index(
            "ix_fan_out_due",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("done_at IS NULL"),
            sqlite_where=sa.text("done_at IS NULL"),
        )

    op.create_table(
        "room_message",
        sa.Column("room_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("message_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("room_id", "seq", name=op.f("pk_room_message")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("room_message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_room_message_message_id"), ["message_id"], unique=True)

    with op.batch_alter_table("agent", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("may_broadcast", sa.Boolean(), server_default=sa.false(), nullable=False)
        )

    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("room_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("deliver_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(
            "ix_message_room",
            ["room_id", "id"],
            unique=False,
            postgresql_where=sa.text("room_id IS NOT NULL"),
            sqlite_where=sa.text("room_id IS NOT NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_message_room",
            postgresql_where=sa.text("room_id IS NOT NULL"),
            sqlite_where=sa.text("room_id IS NOT NULL"),
        )
        batch_op.drop_column("deliver_at")
        batch_op.drop_column("room_id")

    with op.batch_alter_table("agent", schema=None) as batch_op:
        batch_op.drop_column("may_broadcast")

    with op.batch_alter_table("room_message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_room_message_message_id"))

    op.drop_table("room_message")
    with op.batch_alter_table("fan_out", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_fan_out_due",
            postgresql_where=sa.text("done_at IS NULL"),
            sqlite_where=sa.text("done_at IS NULL"),
        )

    op.drop_table("fan_out")
