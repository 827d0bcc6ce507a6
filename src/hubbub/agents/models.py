from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubbub.agents.types import Accepts, ContactState, GatewayKind, Kind
from hubbub.kit.db.base import Base, HasId
from hubbub.kit.db.dialect import db_now

# compared byte by byte on both databases, so that an index serves looking for a beginning
Handle = String(64).with_variant(String(64, collation="C"), "postgresql")


class Agent(HasId, Base):
    """A participant. One that is deleted stays as a row: its messages name it, and its handle is
    nobody else's ever again."""

    __tablename__ = "agent"
    __table_args__ = (Index(None, "created_at", "id"), Index(None, "owner_id", "created_at", "id"))

    kind: Mapped[Kind]
    handle: Mapped[str] = mapped_column(Handle, unique=True)
    display_name: Mapped[str] = mapped_column(String(128))
    display_key: Mapped[str] = mapped_column(String(384))
    description: Mapped[str] = mapped_column(String(2000), default="")
    skills: Mapped[list[str]] = mapped_column(default=list)
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    person_of: Mapped[UUID | None] = mapped_column(
        ForeignKey("user.id", ondelete="SET NULL"), unique=True
    )
    """The user whose person this is; each has one."""
    accepts: Mapped[Accepts] = mapped_column(default=Accepts.EVERYONE)
    gateway_kind: Mapped[GatewayKind] = mapped_column(default=GatewayKind.NONE)
    gateway_url: Mapped[str | None] = mapped_column(String(2083))
    gateway_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Sealed, see `kit/crypto.py`."""
    session_key: Mapped[str | None] = mapped_column(String(512))
    may_broadcast: Mapped[bool] = mapped_column(default=False, server_default=false())
    ordered: Mapped[bool] = mapped_column(default=False)
    max_in_flight: Mapped[int] = mapped_column(default=4)
    retry_ambiguous: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    updated_at: Mapped[datetime | None] = mapped_column(onupdate=db_now())
    deleted_at: Mapped[datetime | None]


class AgentPresence(Base):
    """When an agent was last heard of. Apart from the agent, whose row says what people changed."""

    __tablename__ = "agent_presence"

    agent_id: Mapped[UUID] = mapped_column(
        ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True
    )
    last_seen_at: Mapped[datetime]


class AgentKey(HasId, Base):
    """What an agent calls with. After a rotation the old one counts until its `expires_at`."""

    __tablename__ = "agent_key"

    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), index=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    prefix: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    expires_at: Mapped[datetime | None]


class SigningSecret(HasId, Base):
    """What pushes to an agent's webhook are signed with, sealed. After a rotation the old one
    signs too, until its `expires_at`."""

    __tablename__ = "agent_signing_secret"

    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), index=True)
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    expires_at: Mapped[datetime | None]


class Enrolment(HasId, Base):
    """Lets agents register themselves under an owner; its token is sealed, not stored."""

    __tablename__ = "agent_enrolment"
    __table_args__ = (Index(None, "owner_id", "created_at", "id"),)

    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    uses: Mapped[int]
    uses_left: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    expires_at: Mapped[datetime]


class Transfer(Base):
    """An agent that is offered to another user, who has not accepted it yet."""

    __tablename__ = "agent_transfer"

    agent_id: Mapped[UUID] = mapped_column(
        ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True
    )
    to_user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=db_now())


class Contact(HasId, Base):
    """One participant's standing with another, asked for by `agent_id`. Accepted, it holds for
    both."""

    __tablename__ = "agent_contact"
    __table_args__ = (UniqueConstraint("agent_id", "other_id"), Index(None, "other_id"))

    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    other_id: Mapped[UUID] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    state: Mapped[ContactState]
    note: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    answered_at: Mapped[datetime | None]

    agent: Mapped[Agent] = relationship(lazy="raise", viewonly=True, foreign_keys=[agent_id])
    other: Mapped[Agent] = relationship(lazy="raise", viewonly=True, foreign_keys=[other_id])


class Block(HasId, Base):
    """`agent_id` hears nothing from `blocked_id` any more."""

    __tablename__ = "agent_block"
    __table_args__ = (UniqueConstraint("agent_id", "blocked_id"), Index(None, "blocked_id"))

    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    blocked_id: Mapped[UUID] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(default=db_now())

    blocked: Mapped[Agent] = relationship(lazy="raise", viewonly=True, foreign_keys=[blocked_id])
