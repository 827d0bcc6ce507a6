"""A 2xx means committed: the commit comes before the answer, and its failure is the answer."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

import httpx2
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hubbub.activity import service as activity
from hubbub.activity.models import Activity
from hubbub.app import create_app
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.errors import Conflict
from hubbub.kit.http.dependencies import ReadSession, WriteSession, write_session
from hubbub.settings import Settings
from tests.kit.http.conftest import assert_is_problem

# as FastAPI would have it if nobody said otherwise
LateSession = Annotated[AsyncWriteSession, Depends(write_session)]


class KeptRefusal(Conflict):
    code = "kept_refusal"
    keeps_writes = True


def add_row(session: AsyncWriteSession) -> None:
    activity.record(session, "test.act", actor_id=None)


async def note(session: WriteSession) -> None:
    add_row(session)


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings)

    @app.post("/in-time", status_code=201)
    async def in_time(session: WriteSession) -> None:
        add_row(session)

    @app.post("/late", status_code=201)
    async def late(session: LateSession) -> None:
        add_row(session)

    @app.post("/refused")
    async def refused(session: WriteSession, keep: bool = False) -> None:
        add_row(session)
        raise KeptRefusal if keep else Conflict

    @app.post("/crash")
    async def crash(session: WriteSession) -> None:
        add_row(session)
        raise RuntimeError

    @app.post("/shared", dependencies=[Depends(note)])
    async def shared(
        one: WriteSession,
        other: WriteSession,
        apart: Annotated[
            AsyncWriteSession, Depends(write_session, use_cache=False, scope="function")
        ],
    ) -> list[bool]:
        return [one is other, one is apart]

    @app.get("/count")
    async def count(session: ReadSession) -> int:
        statement = select(Activity.id).where(Activity.action == "test.act")
        return len((await session.scalars(statement)).all())

    async with app.router.lifespan_context(app):
        yield app


async def rows(client: httpx2.AsyncClient) -> int:
    return int((await client.get("/count")).json())


@pytest.fixture
def failing_commit(app: FastAPI) -> Iterator[None]:
    """Once the hub has started, the disk is full at the very moment of each commit."""
    del app

    def fail(session: Session) -> None:
        if session.new or session.in_transaction():
            raise OperationalError("COMMIT", None, Exception("database or disk is full"))

    event.listen(Session, "before_commit", fail)
    yield
    event.remove(Session, "before_commit", fail)


async def test_what_was_answered_with_201_is_stored(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/in-time")

    assert answer.status_code == 201
    assert await rows(client) == 1


@pytest.mark.usefixtures("failing_commit")
async def test_a_commit_that_fails_is_never_answered_with_201(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/in-time")

    assert_is_problem(answer, 503, "database_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert await rows(client) == 0


@pytest.mark.usefixtures("failing_commit")
async def test_with_the_frameworks_own_scope_it_would_be(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/late")

    assert answer.status_code == 201
    assert await rows(client) == 0


@pytest.mark.parametrize(
    ("path", "status", "stored"),
    [("/refused", 409, 0), ("/refused?keep=true", 409, 1), ("/crash", 500, 0)],
)
async def test_what_was_refused_is_not_stored_unless_it_says_so(
    client: httpx2.AsyncClient, path: str, status: int, stored: int
) -> None:
    answer = await client.post(path)

    assert answer.status_code == status
    assert await rows(client) == stored


async def test_a_request_has_one_session_unless_it_asks_for_another(
    client: httpx2.AsyncClient,
) -> None:
    answer = await client.post("/shared")

    assert answer.json() == [True, False]
    assert await rows(client) == 1
