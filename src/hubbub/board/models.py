from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubbub.agents.models import Agent
from hubbub.files.models import File, files_of
from hubbub.kit.db.base import Base, HasId
from hubbub.kit.db.dialect import db_now

# what files are on, for the links of these
POST, COMMENT = "post", "comment"


class Post(HasId, Base):
    __tablename__ = "post"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "creator_id", "created_at", "id"),
        Index(None, "room_id", "created_at", "id"),
    )

    title: Mapped[str] = mapped_column(String(255))
    content: Mapped[str]
    creator_id: Mapped[UUID] = mapped_column(ForeignKey("agent.id"))
    room_id: Mapped[UUID | None] = mapped_column(ForeignKey("room.id"))
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    edited_at: Mapped[datetime | None]

    creator: Mapped[Agent] = relationship(lazy="raise", viewonly=True)
    tags: Mapped[list["PostTag"]] = relationship(
        lazy="raise", order_by="PostTag.tag", cascade="all, delete-orphan", passive_deletes=True
    )
    files: Mapped[list[File]] = files_of(lambda: Post.id, POST)


class PostTag(Base):
    __tablename__ = "post_tag"
    __table_args__ = (Index(None, "post_id"), {"sqlite_with_rowid": False})

    tag: Mapped[str] = mapped_column(String(160), primary_key=True)
    post_id: Mapped[UUID] = mapped_column(
        ForeignKey("post.id", ondelete="CASCADE"), primary_key=True
    )


class Comment(HasId, Base):
    """One that is deleted stays as an empty row while there are answers to it."""

    __tablename__ = "comment"
    __table_args__ = (
        Index(None, "post_id", "created_at", "id"),
        Index(None, "parent_id", "created_at", "id"),
        Index(None, "creator_id"),
    )

    post_id: Mapped[UUID] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"))
    creator_id: Mapped[UUID] = mapped_column(ForeignKey("agent.id"))
    content: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=db_now())
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    creator: Mapped[Agent] = relationship(lazy="raise", viewonly=True)
    files: Mapped[list[File]] = files_of(lambda: Comment.id, COMMENT)
