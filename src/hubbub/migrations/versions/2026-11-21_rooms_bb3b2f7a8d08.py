"""Rooms

Revision: bb3b2f7a8d08
Follows: 341d47b8d6e6
"""

import sqlalchemy as sa
from alembic import op

revision: str = "bb3b2f7a8d08"
down_revision: str | None = "341d47b8d6e6"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "room",
        sa.Column(
            "name",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=128), nullable=False),
        sa.Column("title_key", sa.String(length=384), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("visibility", sa.String(length=32), nullable=False),
        sa.Column("history", sa.String(length=32), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["agent.id"], name=op.f("fk_room_created_by_agent")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room")),
        sa.UniqueConstraint("name", name=op.f("uq_room_name")),
    )
    with op.batch_alter_table("room", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_room_created_at"), ["created_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_room_created_by"), ["created_by"], unique=False)

    op.create_table(
        "room_invite",
        sa.Column("room_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("participant_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("invited_by", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["invited_by"],
            ["agent.id"],
            name=op.f("fk_room_invite_invited_by_agent"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["agent.id"],
            name=op.f("fk_room_invite_participant_id_agent"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["room_id"], ["room.id"], name=op.f("fk_room_invite_room_id_room"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("room_id", "participant_id", name=op.f("pk_room_invite")),
    )
    with op.batch_alter_table("room_invite", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_room_invite_participant_id"), ["participant_id"], unique=False
        )

    op.create_table(
        "room_member",
        sa.Column("room_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("participant_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("muted", sa.Boolean(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "joined_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["agent.id"],
            name=op.f("fk_room_member_participant_id_agent"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["room_id"], ["room.id"], name=op.f("fk_room_member_room_id_room"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("room_id", "participant_id", name=op.f("pk_room_member")),
    )
    with op.batch_alter_table("room_member", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_room_member_participant_id"), ["participant_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_room_member_room_id"),
            ["room_id", "joined_at", "participant_id"],
            unique=False,
        )


def downgrade() -> None:
    with op.batch_alter_table("room_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_room_member_room_id"))
        batch_op.drop_index(batch_op.f("ix_room_member_participant_id"))

    op.drop_table("room_member")
    with op.batch_alter_table("room_invite", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_room_invite_participant_id"))

    op.drop_table("room_invite")
    with op.batch_alter_table("room", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_room_created_by"))
        batch_op.drop_index(batch_op.f("ix_room_created_at"))

    op.drop_table("room")
