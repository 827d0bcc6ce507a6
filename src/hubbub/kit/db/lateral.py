"""For each row of one select the first rows of another: a page over many lists that reads no more
of each than the page could show."""

from typing import Any

from sqlalchemy import Select, Subquery, func, literal_column, select, true, type_coerce

from hubbub.kit.db.sessions import AsyncReadSession


def for_each(
    session: AsyncReadSession, outer: Subquery, inner: Select[*tuple[Any, ...]]
) -> Subquery:
    """What `inner`, which speaks of a row of `outer` and has a limit, gives for all of them."""
    if session.get_bind().dialect.name == "postgresql":
        found = inner.lateral()
        return select(*found.c).select_from(outer.join(found, true())).subquery()
    # SQLite has no LATERAL, but its functions of tables see the tables before them
    rows = inner.correlate(outer).subquery()
    packed = select(func.json_group_array(func.json_array(*rows.c))).correlate(outer)
    each = func.json_each(packed.scalar_subquery()).table_valued("value")
    columns = [
        type_coerce(each.c.value.op("->>")(literal_column(str(place))), column.type).label(
            column.key
        )
        for place, column in enumerate(rows.c)
    ]
    return select(*columns).select_from(outer.join(each, true())).subquery()
