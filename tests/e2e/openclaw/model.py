"""A language model that says what it is told to, and remembers what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import web

NAME = "parrot"
USUAL = "Understood."


@dataclass(frozen=True)
class Question:
    body: dict[str, Any]

    @property
    def prompt(self) -> str:
        """What the user's side said since the model spoke last: not one message, OpenClaw adds
        some of its own."""
        said: list[str] = []
        for message in reversed(self.body["messages"]):
            if message["role"] == "assistant":
                break
            if message["role"] == "user":
                said.insert(0, _text(message))
        return "\n".join(said)

    @property
    def history(self) -> str:
        """All that it was shown, as it came."""
        return json.dumps(self.body["messages"], ensure_ascii=False)


class FakeModel:
    """Speaks OpenAI's chat completions on loopback, as a stream or in one piece."""

    def __init__(self) -> None:
        self.url = ""
        self.answer = USUAL
        self.delay = 0.0
        """Seconds that it thinks before it answers."""
        self.status = 200
        """Another one is its answer to everything."""
        self.questions: list[Question] = []
        self._asked = asyncio.Condition()
        self._free = asyncio.Event()
        self._free.set()

    def forget(self) -> None:
        """Is as it was at first."""
        self.answer, self.delay, self.status = USUAL, 0.0, 200
        self.questions.clear()

    @property
    def prompts(self) -> list[str]:
        """What the agent was told, request by request, that it hadn't been told before."""
        return [question.prompt for question in self.questions]

    def times(self, text: str) -> int:
        """How often it was asked about this text."""
        return sum(text in prompt for prompt in self.prompts)

    async def asked(self, text: str, *, times: int = 1, within: float = 120) -> Question:
        """Waits until it has been asked about this text; returns the last of those questions."""
        async with asyncio.timeout(within), self._asked:
            await self._asked.wait_for(lambda: self.times(text) >= times)
        return next(question for question in reversed(self.questions) if text in question.prompt)

    @asynccontextmanager
    async def hanging(self) -> AsyncIterator[None]:
        """Takes questions and answers none until the end of the block."""
        self._free.clear()
        try:
            yield
        finally:
            self.go_on()

    def go_on(self) -> None:
        """Answers all that wait, before the end of the block."""
        self._free.set()

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator["FakeModel"]:
        model = cls()
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/v1/chat/completions", model._complete)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            model.url = f"http://{host}:{port}/v1"
            yield model
        finally:
            await runner.cleanup()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        async with self._asked:
            self.questions.append(Question(body))
            self._asked.notify_all()
        await self._free.wait()
        await asyncio.sleep(self.delay)
        if self.status != 200:
            return web.json_response({"error": {"message": "told to fail"}}, status=self.status)
        if not body.get("stream"):
            return web.json_response(_whole(self.answer))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        with suppress(ConnectionResetError):  # who asked may be gone
            await response.prepare(request)
            for part in _parts(self.answer):
                await response.write(f"data: {part}\n\n".encode())
        return response


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def _whole(answer: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": answer}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return _base("chat.completion") | {"choices": [choice], "usage": USAGE}


def _parts(answer: str) -> list[str]:
    base = _base("chat.completion.chunk")
    said = {"index": 0, "delta": {"role": "assistant", "content": answer}, "finish_reason": None}
    ended = {"index": 0, "delta": {}, "finish_reason": "stop"}
    chunks: list[dict[str, Any]] = [
        base | {"choices": [said]},
        base | {"choices": [ended], "usage": USAGE},
    ]
    return [*map(json.dumps, chunks), "[DONE]"]


def _base(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": NAME}
