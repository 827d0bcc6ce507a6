"""One-time tickets for those who can't send a header: a browser's WebSocket. They may end up in a
log with the address, where a credential must not."""

import base64
import secrets

from sqlalchemy import delete

from hubbub.kit import aes
from hubbub.kit.db.database import Database
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.keys import token_hash
from hubbub.realtime.models import SocketTicket
from hubbub.realtime.schemas import TicketRead

SECONDS = 30
_NONCE = bytes(12)
"""Each key seals one thing and never another."""


async def make_ticket(session: AsyncWriteSession, credential: str) -> TicketRead:
    key = secrets.token_bytes(32)
    ticket = base64.urlsafe_b64encode(key).decode().rstrip("=")
    await session.execute(delete(SocketTicket).where(SocketTicket.expires_at <= db_now()))
    session.add(
        SocketTicket(
            ticket_hash=token_hash(ticket),
            credential=aes.seal(key, _NONCE, credential.encode()),
            expires_at=db_now(SECONDS),
        )
    )
    return TicketRead(ticket=ticket, expires_in=SECONDS)


async def redeem(database: Database, ticket: str) -> str | None:
    """The credential, for whoever comes first and in time."""
    try:
        key = base64.b64decode(f"{ticket}=", b"-_", validate=True)
    except ValueError:
        return None
    if len(key) != 32:
        return None
    async with database.write() as session:
        taken = (
            delete(SocketTicket)
            .where(
                SocketTicket.ticket_hash == token_hash(ticket), SocketTicket.expires_at > db_now()
            )
            .returning(SocketTicket.credential)
            .execution_options(synchronize_session=False)
        )
        sealed = await session.scalar(taken)
    if sealed is None:
        return None
    try:
        return aes.open_sealed(key, _NONCE, sealed).decode()
    except aes.AlteredError:
        return None
