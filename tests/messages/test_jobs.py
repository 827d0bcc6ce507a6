from sqlalchemy import update

from hubbub.kit.db.dialect import db_now
from hubbub.kit.ids import new_id
from hubbub.kit.jobs import JobContext, NoArgs
from hubbub.kit.resources import Resources
from hubbub.messages.jobs import prune_keys
from hubbub.messages.models import IdempotencyKey
from tests.messages.conftest import Talker


async def age(hub: Resources, key: str, days: float) -> None:
    async with hub.database.write() as session:
        await session.execute(
            update(IdempotencyKey)
            .where(IdempotencyKey.key == key)
            .values(created_at=db_now(-days * 86400))
        )


async def test_keys_are_forgotten_in_time_and_not_before(
    hub: Resources, alice: Talker, bob: Talker
) -> None:
    first = {key: (await alice.send(bob, key=key)).json()["id"] for key in ("old", "young")}
    days = hub.settings.idempotency_days
    await age(hub, "old", days + 0.01)
    await age(hub, "young", days - 0.01)

    await prune_keys(JobContext(hub, new_id(), 1), NoArgs())

    again = {key: (await alice.send(bob, key=key)).json()["id"] for key in ("old", "young")}
    assert again["old"] != first["old"]
    assert again["young"] == first["young"]
