"""The set statements of the writer, and who was meant."""

from uuid import UUID

from hubbub.agents import queries
from hubbub.agents.types import Accepts, Kind, Party
from hubbub.kit.resources import Resources
from hubbub.users.types import Role, Viewer
from tests.agents.helpers import make_agent, path
from tests.fixtures.people import Person

NOBODY = Viewer(UUID(int=0), Role.MEMBER)


async def test_parties_by_handle_and_by_id(hub: Resources, authenticated_user: Person) -> None:
    ada = await make_agent(authenticated_user, "Ada", accepts="contacts")
    bob = await make_agent(authenticated_user, "bob")
    await authenticated_user.client.delete(path(bob))

    async with hub.database.read() as session:
        by_handle = {
            row.handle: Party(*row)
            for row in await session.execute(queries.parties_by_handle(["ada", "bob", "cleo"]))
        }
        ids = [each.id for each in by_handle.values()]
        by_id = [Party(*row) for row in await session.execute(queries.parties_by_id(ids))]

    assert by_handle["ada"] == Party(
        UUID(ada["id"]), "ada", Kind.AGENT, authenticated_user.id, Accepts.CONTACTS, False
    )
    assert by_handle["bob"].deleted
    assert set(by_handle) == {"ada", "bob"}
    assert set(by_id) == set(by_handle.values())


async def test_pairs(hub: Resources, authenticated_user: Person, other_user: Person) -> None:
    mine, other, third = (
        await make_agent(authenticated_user, "ada"),
        await make_agent(other_user, "bob"),
        await make_agent(other_user, "cleo"),
    )
    await authenticated_user.client.post(path(mine, "blocks"), json={"other": "cleo"})
    a, b, c = (UUID(each["id"]) for each in (mine, other, third))

    async with hub.database.read() as session:
        blocked = {
            tuple(row) for row in await session.execute(queries.blocked_pairs([a, b, c], [a, b, c]))
        }
        none = (await session.execute(queries.blocked_pairs([c], [a]))).all()

    assert blocked == {(a, c)}
    assert none == []


async def test_the_nearest_names(hub: Resources, authenticated_user: Person) -> None:
    for name in ("researcher", "research-2", "writer", "reviewer", "xylophone", "gone-writer"):
        made = await make_agent(authenticated_user, name)
    await authenticated_user.client.delete(path(made))

    async with hub.database.read() as session:

        async def near(wanted: str, limit: int = 3) -> list[str]:
            return await queries.nearest_handles(session, NOBODY, wanted, limit)

        assert (await near("reseacher"))[0] == "researcher"
        assert (await near("RESEARCHER "))[0] == "researcher"
        assert await near("weiter") == ["writer"]
        assert await near("ylophone") == ["xylophone"]
        assert await near("aylophone") == ["xylophone"]
        assert len(await near("research", 1)) == 1
        assert await near("gone-write") == []
        for nothing in ("", "\x00", "ä", "q" * 64, "%", "_"):
            assert await near(nothing) == []
