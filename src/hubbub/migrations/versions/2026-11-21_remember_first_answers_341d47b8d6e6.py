"""remember first answers

Revision: 341d47b8d6e6
Follows: 7d1f0c2a9b35
"""

import sqlalchemy as sa
from alembic import op

revision: str = "341d47b8d6e6"
down_revision: str | None = "7d1f0c2a9b35"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "first_answer",
        sa.Column("id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_first_answer")),
    )
    with op.batch_alter_table("first_answer", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_first_answer_created_at"), ["created_at"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("first_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_first_answer_created_at"))

    op.drop_table("first_answer")
