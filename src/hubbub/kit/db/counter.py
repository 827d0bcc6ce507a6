"""Numbers of streams: inboxes and rooms count in one table."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from hubbub.kit.db.base import Base, Big


class Counter(Base):
    """The numbers of one inbox or room, by its id: the last one given out, the first one kept, how
    many are open. What nothing has come to yet has no row."""

    __tablename__ = "counter"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    last_seq: Mapped[int] = mapped_column(Big, default=0)
    first_seq: Mapped[int] = mapped_column(Big, default=1)
    open: Mapped[int] = mapped_column(Big, default=0)
