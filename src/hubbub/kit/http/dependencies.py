"""What route handlers ask for, by name."""

from collections.abc import AsyncIterator
from typing import Annotated

from aiohttp import ClientSession
from fastapi import Depends, Query
from starlette.requests import HTTPConnection

from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.kit.pagination import PageRequest
from hubbub.kit.resources import Resources


async def get_resources(connection: HTTPConnection) -> Resources:
    resources: Resources = connection.app.state.resources
    return resources


CurrentResources = Annotated[Resources, Depends(get_resources)]


async def get_http_client(resources: CurrentResources) -> ClientSession:
    return resources.http


HttpClient = Annotated[ClientSession, Depends(get_http_client)]


async def read_session(resources: CurrentResources) -> AsyncIterator[AsyncReadSession]:
    async with resources.database.read() as session:
        yield session


async def write_session(resources: CurrentResources) -> AsyncIterator[AsyncWriteSession]:
    async with resources.database.write() as session:
        yield session


# `scope="function"` ends the session before the answer is sent: by default FastAPI would commit
# after the client has read its 201, and a commit that fails would still have answered 201.
ReadSession = Annotated[AsyncReadSession, Depends(read_session, scope="function")]
WriteSession = Annotated[AsyncWriteSession, Depends(write_session, scope="function")]


async def page_request(
    limit: Annotated[int, Query(ge=1, le=100, description="How many at the most.")] = 20,
    cursor: Annotated[
        str | None, Query(max_length=500, description="`next_cursor` of the page before.")
    ] = None,
) -> PageRequest:
    return PageRequest(limit, cursor)


Page = Annotated[PageRequest, Depends(page_request)]
