"""Hashing passwords: argon2, in a thread, and never more at once than memory and cores bear."""

from functools import cache

import anyio.to_thread
from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from pwdlib import PasswordHash

_slots: RunVar[CapacityLimiter] = RunVar("password_slots")


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _decoy() -> str:
    """Checked in place of the hash of somebody who doesn't exist, so that both take as long."""
    return _hasher().hash("nobody has this password")


def slots() -> CapacityLimiter:
    """One hash takes 64 MiB and a core; a flood of sign-ins waits here, not in memory."""
    try:
        return _slots.get()
    except LookupError:
        limiter = CapacityLimiter(2)
        _slots.set(limiter)
        return limiter


async def hash_password(password: str) -> str:
    return await anyio.to_thread.run_sync(_hasher().hash, password, limiter=slots())


async def password_matches(password: str, stored: str | None) -> bool:
    def verify() -> bool:
        matches = _hasher().verify(password, stored or _decoy())
        return matches and stored is not None

    return await anyio.to_thread.run_sync(verify, limiter=slots())
