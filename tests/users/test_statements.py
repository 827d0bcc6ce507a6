"""What a listing costs the database doesn't grow with what it shows."""

import pytest

from tests.fixtures.people import MakePerson, Person


@pytest.mark.parametrize("path", ["/api/v1/users", "/api/v1/agents", "/api/v1/notifications"])
async def test_a_page_of_many_takes_as_many_statements_as_one_of_few(
    people: MakePerson, admin: Person, statements: list[str], path: str
) -> None:
    await admin.client.get(path)
    statements.clear()
    await admin.client.get(path)
    few = len(statements)
    for number in range(12):
        person = await people()
        await person.client.post("/api/v1/agents", json={"name": f"agent-{number}"})
    await admin.client.get(path)  # a credential is remembered for seconds, and this took longer
    statements.clear()

    answer = await admin.client.get(path)

    assert answer.status_code == 200
    assert 1 <= len(statements) == few


async def test_a_credential_is_looked_up_once_in_a_request(
    authenticated_user: Person, statements: list[str]
) -> None:
    await authenticated_user.client.get("/api/v1/auth/me")

    asked = [each for each in statements if "auth_session" in each]
    assert len(asked) == 1
