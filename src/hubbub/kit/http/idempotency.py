"""The header `Idempotency-Key` of routes that create something."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, cast

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.http.dependencies import CurrentResources
from hubbub.kit.idempotency import Answer, asked_under, check_key, first_answer, keep_answer
from hubbub.kit.resources import Resources

REPLAYED = {"Idempotency-Replayed": "true"}


class Idempotency:
    """What a route calls to make its thing once: `return await once(session, …)`."""

    def __init__(
        self, request: Request, response: Response, resources: Resources, key: str | None
    ) -> None:
        # the path as it was called: the same key for another agent's path is another key
        self._path = request.scope["path"]
        self._status = request.scope["route"].status_code or 200
        self._headers = response.headers
        self._resources = resources
        self._key = key

    async def __call__[M: BaseModel](
        self,
        session: AsyncWriteSession,
        caller: str | None,
        body: BaseModel,
        making: Coroutine[Any, Any, M],
        location: Callable[[M], str] | None = None,
    ) -> M:
        """Awaits `making`, or gives the first answer to `caller` and never begins it. `location` is
        the header of that name, which belongs to the answer."""
        try:
            if self._key is None:
                made = await making
                self._locate(location(made) if location else None)
                return made
            keys, safe = self._resources.keys, self._resources.safe
            asked = asked_under(keys, self._path, caller, self._key, body)
            first = await first_answer(session, safe, asked)
            if first is not None:
                # sent by the framework as it is; to the route it is the model that it shows
                return cast("M", _replay(first))
            made = await making
            place = location(made) if location else None
            answer = Answer(self._status, made.model_dump_json(), place)
            await keep_answer(session, safe, asked, answer)
            self._locate(place)
            return made
        finally:
            making.close()

    def _locate(self, place: str | None) -> None:
        if place is not None:
            self._headers["Location"] = place


def _replay(answer: Answer) -> Response:
    headers = REPLAYED if answer.location is None else REPLAYED | {"Location": answer.location}
    return Response(answer.content, answer.status, headers, media_type="application/json")


async def get_idempotency(
    request: Request,
    response: Response,
    resources: CurrentResources,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="1 to 255 printable ASCII characters. Sent again under the same key, the"
            " same body makes nothing more and gets the first answer, with"
            " `Idempotency-Replayed: true`.",
        ),
    ] = None,
) -> Idempotency:
    if key is not None:
        check_key(key)
    return Idempotency(request, response, resources, key)


Once = Annotated[Idempotency, Depends(get_idempotency)]
