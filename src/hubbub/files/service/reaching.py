from collections.abc import Iterator
from contextlib import contextmanager

from hubbub.files.errors import FileLost, FilesAway
from hubbub.kit.blobs import BlobMissing, BlobsUnavailable

PATIENCE = 5


@contextmanager
def reaching_bytes() -> Iterator[None]:
    """What is wrong with the store, as callers hear it."""
    try:
        yield
    except BlobMissing as error:
        raise FileLost from error
    except BlobsUnavailable as error:
        raise FilesAway(retry_after=PATIENCE) from error
