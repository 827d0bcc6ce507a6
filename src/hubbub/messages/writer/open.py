"""The store that fits the database."""

from hubbub.kit.db.database import Database
from hubbub.messages.writer.queue import Store
from hubbub.messages.writer.sqlite import SqliteStore
from hubbub.settings import Settings


def open_store(settings: Settings, database: Database, *, durable: bool = True) -> Store:
    """Not `durable` is for what can be made anew from what is."""
    if database.turns is None:
        from hubbub.kit.db.postgresql import plain_connection
        from hubbub.messages.writer.postgresql import PostgresStore

        return PostgresStore(plain_connection(settings.database_dsn))
    busy_timeout = settings.database.busy_timeout
    return SqliteStore(settings.database_dsn, busy_timeout, database.turns, durable=durable)
