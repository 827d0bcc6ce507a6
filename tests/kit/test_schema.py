"""What every schema keeps to."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from uuid import uuid4

from pydantic import BaseModel

import hubbub
from hubbub.kit.schema import Schema, UtcDatetime


class Event(Schema):
    id: object
    at: UtcDatetime


def every_schema(base: type[BaseModel] = Schema) -> Iterator[type[BaseModel]]:
    for kind in base.__subclasses__():
        yield kind
        yield from every_schema(kind)


def test_a_time_is_written_with_its_offset_and_one_without_is_utc() -> None:
    local = timezone(timedelta(hours=2))

    naive = Event(id=1, at=datetime(2030, 1, 1, 12))  # noqa: DTZ001 - that is the case
    elsewhere = Event(id=1, at=datetime(2030, 1, 1, 14, tzinfo=local))

    assert naive.at == elsewhere.at == datetime(2030, 1, 1, 12, tzinfo=UTC)
    assert json.loads(elsewhere.model_dump_json())["at"] == "2030-01-01T12:00:00Z"


def test_no_schema_has_a_time_that_could_be_without_an_offset() -> None:
    for found in walk_packages([str(Path(hubbub.__file__).parent)], "hubbub."):
        if found.name.endswith(".schemas"):
            import_module(found.name)
    schemas = list(every_schema())
    assert len(schemas) > 30

    for schema in schemas:
        for name, field in schema.model_fields.items():
            if "datetime" in str(field.annotation):
                # the type's own steps stand in the metadata, or inside of an optional
                assert "as_utc" in f"{field.metadata}{field.annotation}", f"{schema}.{name}"


def test_a_dictionary_of_it_is_plain_json() -> None:
    event = Event(id=uuid4(), at=datetime(2030, 1, 1, tzinfo=UTC))

    assert json.loads(json.dumps(event.serializable_dict()))["at"] == "2030-01-01T00:00:00Z"
