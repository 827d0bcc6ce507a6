"""signing secrets

Revision: ee2a07bf1a1e
Follows: 98a1a7b5d013
"""

import sqlalchemy as sa
from alembic import op

revision: str = "ee2a07bf1a1e"
down_revision: str | None = "98a1a7b5d013"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "agent_signing_secret",
        sa.Column("agent_id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid().with_variant(sa.CHAR(36), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"],
            ["agent.id"],
            name=op.f("fk_agent_signing_secret_agent_id_agent"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_signing_secret")),
    )
    with op.batch_alter_table("agent_signing_secret", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_agent_signing_secret_agent_id"), ["agent_id"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("agent_signing_secret", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_agent_signing_secret_agent_id"))

    op.drop_table("agent_signing_secret")
