"""Whatever is sent to whichever route: no crash, and no answer that the document doesn't name."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hubbub.app import create_app
from hubbub.settings import Environment, Settings
from tests.faults.processes import Running

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
DOCUMENT = create_app(Settings(environment=Environment.LOCAL)).openapi()
ENDLESS = {"GET /api/v1/notifications/events"}
"""Streams that anybody may follow: once let in, one reads for ever."""
type Operation = APIOperation[Any, Any, Any, Any]
OPERATIONS: list[Operation] = [
    found.ok()
    for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    if isinstance(found, Ok)
]


def takes_something(operation: Operation) -> bool:
    """What takes nothing can't be given anything wrong."""
    raw = operation.definition.raw
    return bool(raw.get("parameters") or raw.get("requestBody"))


ATTEMPTS = [
    pytest.param(operation, mode, id=f"{operation.label} {mode.value}")
    for operation in OPERATIONS
    for mode in GenerationMode
    if operation.label not in ENDLESS and (mode.is_positive or takes_something(operation))
]
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)


def try_out(
    operation: Operation, mode: GenerationMode, hub: Running, headers: dict[str, str]
) -> None:
    """`derandomize`: the same requests in each run, so that a failure is not a matter of luck."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=30,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def attempt(case: Case[Any]) -> None:
        case.call_and_validate(base_url=hub.url, headers=headers, checks=CHECKS)

    attempt()


@pytest.mark.parametrize(("operation", "mode"), ATTEMPTS)
def test_as_an_admin(
    operation: Operation, mode: GenerationMode, served: Running, admin_token: str
) -> None:
    try_out(operation, mode, served, {"Authorization": f"Bearer {admin_token}"})


@each_operation
def test_without_a_credential(operation: Operation, served: Running) -> None:
    try_out(operation, GenerationMode.POSITIVE, served, {})
