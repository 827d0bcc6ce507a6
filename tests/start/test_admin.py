import asyncio

from pydantic import SecretStr
from sqlalchemy import select

from hubbub.kit.resources import Resources
from hubbub.start.admin import provide_first_admin
from hubbub.users.models import User
from tests.fixtures.factories import PASSWORD


async def test_of_several_processes_that_start_together_one_makes_the_admin(
    hub: Resources,
) -> None:
    settings = hub.settings.model_copy(
        update={"admin_email": "ada@example.com", "admin_password": SecretStr(PASSWORD)}
    )

    await asyncio.gather(*(provide_first_admin(hub, settings) for _ in range(3)))

    async with hub.database.read() as session:
        assert [user.email for user in await session.scalars(select(User))] == ["ada@example.com"]
