"""Words of exports."""

from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"

    @property
    def media_type(self) -> str:
        return {Format.CSV: "text/csv; charset=utf-8", Format.JSONL: "application/jsonl"}[self]


class Compress(StrEnum):
    NONE = "none"
    GZIP = "gzip"


type Columns = dict[str, ColumnElement[Any]]
