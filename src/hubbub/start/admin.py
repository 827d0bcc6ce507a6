"""The first admin: made from settings, by a command, or through a link that is printed once."""

import re
from contextlib import suppress

from pydantic import SecretStr, ValidationError

from hubbub.auth.errors import SetupDone
from hubbub.auth.service import setup
from hubbub.kit.resources import Resources
from hubbub.settings import Settings
from hubbub.start import StartError, tell
from hubbub.users.schemas import UserCreate

_NOT_IN_USERNAMES = re.compile(r"[^A-Za-z0-9_-]+")


def admin_from(
    email: str, password: SecretStr, *, username: str | None = None, full_name: str | None = None
) -> UserCreate:
    """Raises `StartError` with one line for each value that is not acceptable."""
    local_part = email.partition("@")[0]
    try:
        return UserCreate.model_validate(
            {
                "email": email,
                "password": password,
                "username": username or _NOT_IN_USERNAMES.sub("-", local_part)[:128] or "admin",
                "full_name": full_name or local_part[:100],
            }
        )
    except ValidationError as error:
        lines = [
            f"the first admin's {item['loc'][0]}: {item['msg'].removeprefix('Value error, ')}"
            for item in error.errors()
        ]
        raise StartError(*lines) from error


async def provide_first_admin(resources: Resources, settings: Settings) -> None:
    """Does nothing on a hub that has had its first admin."""
    async with resources.database.read() as session:
        if not await setup.needs_setup(session):
            return
    if settings.admin_email and settings.admin_password:
        new = admin_from(settings.admin_email, settings.admin_password)
        # of several processes that start together, one makes the admin, and the others may go on
        with suppress(SetupDone):
            await create_admin(resources, new)
        return
    token = setup.setup_token(resources.keys)
    tell(f"make the first admin of this hub: {settings.public_url}/setup?token={token}")


async def create_admin(resources: Resources, new: UserCreate) -> None:
    async with resources.database.write() as session:
        await setup.create_first_admin(session, new)
