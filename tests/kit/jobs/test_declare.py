from datetime import timedelta
from uuid import UUID

import pytest
from pydantic import BaseModel

from hubbub.kit.ids import new_id
from hubbub.kit.jobs import Job, JobContext, NoArgs, job
from hubbub.kit.jobs.declare import InvalidArgsError
from hubbub.kit.outbox import Event
from hubbub.kit.resources import Resources


class Happened(Event):
    topic = "test.declared"
    secret_number: int


async def take_event(context: JobContext, args: Happened) -> None:
    del context, args


async def take_nothing(context: JobContext, _: NoArgs) -> None:
    del context


async def take_text(context: JobContext, args: str) -> None:
    del context, args


def test_the_arguments_are_read_from_the_annotation() -> None:
    declared = job("test.plain")(take_nothing)
    assert isinstance(declared, Job)
    assert declared.args is NoArgs


def test_a_job_on_an_event_takes_that_event() -> None:
    declared = job("test.on_event", on=Happened, max_attempts=2)(take_event)
    assert (declared.on, declared.args, declared.max_attempts) == (Happened, Happened, 2)


@pytest.mark.parametrize("name", ["plain", "Test.upper", "test.", ".test", "test." + "x" * 64])
def test_a_name_has_a_domain_and_fits(name: str) -> None:
    with pytest.raises(ValueError, match=r"named domain\.verb"):
        job(name)(take_nothing)


@pytest.mark.parametrize("every", [timedelta(0), timedelta(days=2)])
def test_an_interval_is_within_bounds(every: timedelta) -> None:
    with pytest.raises(ValueError, match="every second at most"):
        job("test.scheduled", every=every)(take_nothing)


def test_it_is_tried_at_least_once() -> None:
    with pytest.raises(ValueError, match="at least one attempt"):
        job("test.never", max_attempts=0)(take_nothing)


def test_arguments_are_a_model() -> None:
    with pytest.raises(TypeError, match="Pydantic model"):
        job("test.text")(take_text)  # type: ignore[type-var]


async def test_a_declared_job_can_be_called(resources: Resources) -> None:
    seen: list[tuple[UUID, int]] = []

    class Number(BaseModel):
        value: int

    @job("test.called")
    async def called(context: JobContext, args: Number) -> None:
        seen.append((context.id, args.value))

    context = JobContext(resources, new_id(), 1)
    await called(context, Number(value=3))
    await called.run(context, {"value": 4})
    assert seen == [(context.id, 3), (context.id, 4)]


async def test_arguments_that_do_not_fit_are_named_but_not_repeated(resources: Resources) -> None:
    declared = job("test.on_event", on=Happened)(take_event)
    context = JobContext(resources, new_id(), 1)
    with pytest.raises(InvalidArgsError) as caught:
        await declared.run(context, {"secret_number": "hush"})
    assert str(caught.value) == "test.on_event: secret_number"
    assert caught.value.__cause__ is None
