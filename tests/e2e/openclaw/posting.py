"""The requests that the hub makes of a gateway, made by hand."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2

from tests.e2e.openclaw.gateway import Gateway

LEFT_OUT = object()
"""In place of a field: not sent at all."""
NONE = ""
"""In place of a token: no header."""


def fresh(what: str) -> str:
    """A text, key or session that no other test has."""
    return f"{what}-{uuid4().hex[:12]}"


@dataclass
class Poster:
    client: httpx2.AsyncClient

    async def hook(
        self,
        gateway: Gateway,
        text: object,
        *,
        session: object = "hook:hub:alice",
        key: str | None = None,
        token: str | None = None,
        **fields: object,
    ) -> httpx2.Response:
        body: dict[str, object] = {
            "message": text,
            "name": "hubbub",
            "sessionKey": session,
            "sessionMode": "persistent",
            "deliver": False,
        }
        return await self.client.post(
            f"{gateway.url}/hooks/agent",
            json=_sent(body | fields),
            headers=_bearer(gateway.token if token is None else token)
            | {"Idempotency-Key": key or fresh("key")},
        )

    async def settled(self, gateway: Gateway, session: str) -> None:
        """A session takes one at a time: once the model has this one, those before are through."""
        last = fresh("last")
        run_id(await self.hook(gateway, last, session=session))
        await gateway.model.asked(last)

    async def chat(
        self,
        gateway: Gateway,
        text: str,
        *,
        session: str = "hub-alice",
        key: str | None = None,
        token: str | None = None,
        **fields: object,
    ) -> httpx2.Response:
        body: dict[str, object] = {
            "model": "openclaw",
            "messages": [{"role": "user", "content": text}],
        }
        return await self.client.post(
            f"{gateway.url}/v1/chat/completions",
            json=_sent(body | fields),
            headers=_bearer(gateway.operator_token if token is None else token)
            | {"x-openclaw-session-key": session, "Idempotency-Key": key or fresh("key")},
        )


def run_id(answer: httpx2.Response) -> str:
    """Of what was admitted."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body.keys() == {"ok", "runId"}
    assert body["ok"] is True
    return str(body["runId"])


def reply(answer: httpx2.Response) -> str:
    body: dict[str, Any] = answer.json()
    said: str = body["choices"][0]["message"]["content"]
    return said


def _bearer(token: str) -> dict[str, str]:
    return {} if token == NONE else {"Authorization": f"Bearer {token}"}


def _sent(body: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if value is not LEFT_OUT}
