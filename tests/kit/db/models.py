"""Tables of the tests' own, outside of the hub's metadata."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from hubbub.kit.db.base import Base
from hubbub.kit.db.dialect import db_now
from hubbub.kit.ids import new_id


class OwnBase(DeclarativeBase):
    type_annotation_map = Base.type_annotation_map


class Thing(OwnBase):
    __tablename__ = "thing"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    note: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(default=db_now())
    taken_by: Mapped[int | None]


class Part(OwnBase):
    __tablename__ = "part"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    thing_id: Mapped[UUID] = mapped_column(ForeignKey("thing.id"))
