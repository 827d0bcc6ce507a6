"""That a hub's file has all there is, or says why not."""

from hubbub.exports.hub.rules import RULES
from hubbub.exports.hub.tables import LEFT_OUT, TABLES, all_columns
from hubbub.kit.db.base import Base
from hubbub.registry import load_models


def test_every_table_is_in_the_file_or_left_out_for_a_reason() -> None:
    load_models()
    exported = [table.name for table in TABLES]

    assert len(exported) == len(set(exported))
    assert set(exported) & set(LEFT_OUT) == set()
    assert set(exported) | set(LEFT_OUT) == set(Base.metadata.tables)
    assert all(LEFT_OUT.values())


def test_every_column_of_these_too() -> None:
    """A new one is in the file by itself; one that may not leave is named with its reason."""
    load_models()
    for table in TABLES:
        named = {column for name, column in all_columns() if name == table.name}
        assert {c.name for c in table.columns.values()} | set(table.left_out) == named
        assert all(table.left_out.values())


def test_every_rule_is_for_a_value_that_is_there() -> None:
    columns = {table.model: set(table.columns) for table in TABLES}

    assert set(RULES) <= set(columns)
    for model, rules in RULES.items():
        assert set(rules.each) <= columns[model], model


def test_nothing_that_lets_somebody_in() -> None:
    for table in TABLES:
        for name in table.columns:
            suspicious = ("password", "token", "secret", "key_hash", "sealed")
            assert not any(word in name for word in suspicious), (table.name, name)


def test_what_is_referred_to_comes_first() -> None:
    seen: set[str] = set()
    for each in TABLES:
        for key in each.table.foreign_keys:
            other = key.column.table.name
            assert other in seen or other == each.name, (each.name, other)
        seen.add(each.name)
