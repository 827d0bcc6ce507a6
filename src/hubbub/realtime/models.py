from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from hubbub.kit.db.base import Base


class SocketTicket(Base):
    """Stands for a credential, once. The credential is sealed with the ticket itself, so that
    nobody can read it from the table."""

    __tablename__ = "socket_ticket"

    ticket_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    credential: Mapped[bytes]
    expires_at: Mapped[datetime] = mapped_column(index=True)
