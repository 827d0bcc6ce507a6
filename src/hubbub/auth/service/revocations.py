"""Telling every process that credentials which it may remember count no more."""

from typing import ClassVar
from uuid import UUID

from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.outbox import Event, emit


class CredentialsRevoked(Event):
    """Whatever is remembered about the credentials of this user, or of this one agent, is to be
    looked up anew."""

    topic: ClassVar[str] = "credentials"
    subject_id: UUID


def announce_revocation(session: AsyncWriteSession, subject_id: UUID) -> None:
    """Rides in the transaction that revokes: what is rolled back is not announced, and what is
    committed is announced even if this process dies right after."""
    emit(session, CredentialsRevoked(subject_id=subject_id))
