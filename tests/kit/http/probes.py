"""Routes that do each thing a route can do wrong."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response, WebSocket
from pydantic import EmailStr, Field, field_validator, model_validator
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from hubbub.kit.http.limits import credential_accepted
from hubbub.kit.schema import Input, JsonObject, Line, Schema, Text, UtcDatetime

router = APIRouter(prefix="/probe")


class SignUp(Input):
    name: Annotated[Line, Field(max_length=10)]
    password: str = Field(min_length=20)
    email: EmailStr | None = None
    role: Literal["admin", "member"] = "member"

    @field_validator("password")
    @classmethod
    def _is_strong(cls, value: str) -> str:
        if "!" not in value:
            raise ValueError(f"{value} has no exclamation mark")
        return value

    @model_validator(mode="before")
    @classmethod
    def _is_welcome(cls, value: object) -> object:
        if isinstance(value, dict) and value.get("name") == "whole":
            raise ValueError(f"refused as a whole: {value}")
        return value


class Anything(Input):
    text: Text = ""
    number: int = 0
    ratio: float = 0
    at: UtcDatetime | None = None
    metadata: JsonObject = Field(default={})
    numbers: list[int] = Field(default=[])
    words: list[str] = Field(default=[])


class Echo(Schema):
    text: str
    number: int
    metadata: dict[str, Any]


@router.get("/ok")
async def ok() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/id")
async def own_id(request: Request) -> dict[str, str]:
    return {"request_id": request.state.request_id}


@router.get("/cookies")
async def cookies(response: Response) -> None:
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")


@router.get("/headers")
async def own_headers() -> Response:
    return Response("page", headers={"cache-control": "max-age=60"}, media_type="text/html")


@router.get("/crash")
async def crash() -> None:
    secret = bytes.fromhex("68756e74657232").decode()  # hunter2, but not in the source
    raise RuntimeError(f"internal detail after {len(secret)} characters")


@router.get("/refuse")
async def refuse(status: int) -> None:
    raise HTTPException(status, detail="an internal detail", headers={"X-Kept": "yes"})


@router.post("/sign-up")
async def sign_up(body: SignUp) -> None: ...


@router.post("/echo")
async def echo(body: Anything) -> Echo:
    return Echo(text=body.text, number=body.number, metadata=body.metadata)


@router.get("/query")
async def query(pin: Annotated[int, Query()]) -> None: ...


@router.post("/count")
async def count(request: Request) -> dict[str, int]:
    return {"bytes": len(await request.body())}


@router.get("/text")
async def text(size: int, kind: str = "text/plain") -> Response:
    return Response("x" * size, media_type=kind)


@router.get("/stream")
async def stream(kind: str = "text/csv") -> StreamingResponse:
    async def rows() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 1000

    return StreamingResponse(rows(), media_type=kind)


@router.get("/mine")
async def mine(request: Request) -> dict[str, str]:
    """Knows one credential, as a guarded route would."""
    if request.headers.get("authorization") != "Bearer good":
        raise HTTPException(401)
    credential_accepted(request.scope)
    return {"status": "ok"}


@router.websocket("/ws")
async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json({"hello": websocket.state.request_id})
    await websocket.close()
