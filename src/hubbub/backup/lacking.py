from pathlib import Path

from sqlalchemy import URL, create_engine, select

from hubbub.backup.manifest import BLOBS, DATABASE
from hubbub.files.keeping import content_key
from hubbub.files.models import File


def count_lacking(folder: Path) -> int:
    """Files that the database in this folder knows of, and whose bytes are not beside it."""
    engine = create_engine(URL.create("sqlite", database=str(folder / DATABASE)))
    statement = select(File.id, File.size).execution_options(yield_per=1000)
    try:
        with engine.connect() as connection:
            rows = connection.execute(statement)
            return sum(
                not _is_whole(folder / BLOBS / content_key(row.id), row.size) for row in rows
            )
    finally:
        engine.dispose()


def _is_whole(kept: Path, size: int) -> bool:
    return kept.is_file() and kept.stat().st_size == size
