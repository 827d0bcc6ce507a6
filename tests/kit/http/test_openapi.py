import httpx2
import pytest

from hubbub.settings import Environment, Settings
from tests.kit.http.conftest import assert_is_problem


async def test_every_error_is_described_as_a_problem(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()

    assert "Problem" in document["components"]["schemas"]
    assert "HTTPValidationError" not in str(document)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            refusals = {s: a for s, a in operation["responses"].items() if int(s) >= 400}
            assert {"422", "429", "503"} <= set(refusals), path
            for answer in refusals.values():
                assert answer["description"]
                assert list(answer["content"]) == ["application/problem+json"], path


async def test_the_document_is_the_same_each_time(client: httpx2.AsyncClient) -> None:
    first, second = await client.get("/openapi.json"), await client.get("/openapi.json")

    assert first.json() == second.json()


class TestInProduction:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"environment": Environment.PRODUCTION})

    @pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"])
    async def test_nothing_of_it_is_shown(self, client: httpx2.AsyncClient, path: str) -> None:
        assert_is_problem(await client.get(path), 404, "not_found")
