from fastapi import Request
from fastapi.responses import HTMLResponse

from hubbub.auth.dependencies import CurrentTokens
from hubbub.auth.schemas import ResetConfirm
from hubbub.auth.service import passwords, people, setup
from hubbub.console.forms import TypedForm, given, submit, token_of
from hubbub.console.pages import Page
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.http.dependencies import CurrentResources, ReadSession
from hubbub.kit.http.router import Router
from hubbub.users.schemas import UserCreate

router = Router(include_in_schema=False, default_response_class=HTMLResponse)
docs_router = Router(include_in_schema=False, default_response_class=HTMLResponse)
"""Served where the API's document is."""

_ACCOUNT = ("email", "username", "full_name", "password")


@router.head("/")
@router.get("/")
async def home(page: Page, resources: CurrentResources, session: ReadSession) -> HTMLResponse:
    return page(
        "home.html",
        settings=resources.settings,
        needs_setup=await setup.needs_setup(session),
    )


@docs_router.get("/docs")
async def show_docs(page: Page) -> HTMLResponse:
    return page.docs()


@router.get("/setup")
async def show_setup(
    page: Page, request: Request, resources: CurrentResources, session: ReadSession
) -> HTMLResponse:
    if not await setup.needs_setup(session):
        return page("message.html", title="This hub is set up", text="Its first admin exists.")
    token = token_of(request)
    if not setup.is_setup_token(resources.keys, token):
        return page(
            "message.html",
            403,
            title="This hub is waiting for its first admin",
            text="Open the link that the server printed when it started.",
        )
    return page("setup.html", token=token, values={}, errors=[])


@router.post("/setup")
async def do_setup(page: Page, values: TypedForm, resources: CurrentResources) -> HTMLResponse:
    token = values.get("token", "")
    if not setup.is_setup_token(resources.keys, token):
        return page(
            "message.html", 403, title="That link doesn't count", text="Use the newest one."
        )
    errors = await submit(
        resources.database, UserCreate, given(values, *_ACCOUNT), setup.create_first_admin
    )
    if errors:
        return page("setup.html", 422, token=token, values=values, errors=errors)
    return page(
        "message.html",
        title="You are the admin of this hub",
        text="Sign in with your e-mail address and your password.",
    )


@router.get("/join")
async def show_join(page: Page, request: Request) -> HTMLResponse:
    return page("join.html", token=token_of(request), values={}, errors=[])


@router.post("/join")
async def do_join(
    page: Page, values: TypedForm, resources: CurrentResources, tokens: CurrentTokens
) -> HTMLResponse:
    async def join(session: AsyncWriteSession, new: UserCreate) -> None:
        newcomer = await people.admit(tokens, None, new)
        await people.sign_up(session, tokens, newcomer)

    content = given(values, *_ACCOUNT) | {"invitation": values.get("token", "")}
    errors = await submit(resources.database, UserCreate, content, join)
    if errors:
        token = values.get("token", "")[:200]
        return page("join.html", 422, token=token, values=values, errors=errors)
    return page(
        "message.html",
        title="Welcome",
        text="Your account is made. Sign in with your e-mail address and your password.",
    )


@router.get("/reset")
async def show_reset(page: Page, request: Request) -> HTMLResponse:
    return page("reset.html", token=token_of(request), errors=[])


@router.post("/reset")
async def do_reset(
    page: Page, values: TypedForm, resources: CurrentResources, tokens: CurrentTokens
) -> HTMLResponse:
    async def reset(session: AsyncWriteSession, confirm: ResetConfirm) -> None:
        await passwords.finish_reset(session, tokens, confirm)

    content = given(values, "token", "new_password")
    errors = await submit(resources.database, ResetConfirm, content, reset)
    if errors:
        return page("reset.html", 422, token=values.get("token", "")[:200], errors=errors)
    return page("message.html", title="Done", text="Your new password counts from now on.")
