"""One kind of thing as a table."""

from hubbub.exports.service.tables import KINDS, Kind, Table, begin

__all__ = ["KINDS", "Kind", "Table", "begin"]
