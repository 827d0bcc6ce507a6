"""What files are attached to

Revision: 05d38ca6738f
Follows: 95784c62e9d5
"""

import sqlalchemy as sa
from alembic import op

revision: str = "05d38ca6738f"
down_revision: str | None = "95784c62e9d5"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "attachment",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("object_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("file_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["file.id"], name=op.f("fk_attachment_file_id_file"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("kind", "object_id", "file_id", name=op.f("pk_attachment")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachment_file_id"), ["file_id"], unique=False)

    op.add_column("message", sa.Column("files", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    # in place on both databases: a batch would copy all messages
    op.drop_column("message", "files")
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attachment_file_id"))

    op.drop_table("attachment")
