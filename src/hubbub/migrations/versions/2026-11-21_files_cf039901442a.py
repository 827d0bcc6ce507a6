"""What is known of files, and how many bytes users have

Revision: cf039901442a
Follows: fb89347cef64
"""

import sqlalchemy as sa
from alembic import op

revision: str = "cf039901442a"
down_revision: str | None = "fb89347cef64"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "file_use",
        sa.Column("user_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("bytes >= 0", name=op.f("ck_file_use_not_below_nothing")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_file_use_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_file_use")),
    )
    op.create_table(
        "file",
        sa.Column("user_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=True),
        sa.Column("participant_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("content_type", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["agent.id"], name=op.f("fk_file_participant_id_agent")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_file_user_id_user"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
    )
    with op.batch_alter_table("file", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_file_participant_id"),
            ["participant_id", "created_at", "id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_file_user_id"), ["user_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_file_user_id"))
        batch_op.drop_index(batch_op.f("ix_file_participant_id"))

    op.drop_table("file")
    op.drop_table("file_use")
