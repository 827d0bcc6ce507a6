"""What one running hub owns: built and closed by the lifespan, handed to whoever needs a part."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import ClientSession

from hubbub.kit.blobs import BlobStore
from hubbub.kit.bus import Bus
from hubbub.kit.clock import Clock
from hubbub.kit.counters import Counters
from hubbub.kit.crypto import Safe
from hubbub.kit.db.database import Database
from hubbub.kit.keys import Keyring
from hubbub.kit.mail import Mailer
from hubbub.kit.metrics import Metrics
from hubbub.settings import Settings

if TYPE_CHECKING:
    from redis.asyncio import Redis


@dataclass(frozen=True, slots=True)
class Resources:
    settings: Settings
    clock: Clock
    keys: Keyring
    safe: Safe
    metrics: Metrics
    database: Database
    bus: Bus
    counters: Counters
    mailer: Mailer
    blobs: BlobStore
    redis: "Redis | None"
    """The shared client of a hub of several processes; an embedded one has none."""
    http: ClientSession
    """For calls to other servers: one pool of connections, 30 seconds for a call, and the rules for
    addresses at each socket. Redirects are the caller's to refuse: `allow_redirects=False`."""
