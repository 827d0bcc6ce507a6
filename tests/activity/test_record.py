from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from hubbub.activity import service as activity
from hubbub.activity.models import Activity
from hubbub.kit.context import RequestContext, request_context
from hubbub.kit.ids import new_id
from hubbub.kit.resources import Resources


async def acts(hub: Resources) -> list[Activity]:
    async with hub.database.read() as session:
        return list(await session.scalars(select(Activity).order_by(Activity.id)))


async def test_an_act_is_written_down_with_who_what_when_and_from_where(hub: Resources) -> None:
    actor, target = new_id(), new_id()
    token = request_context.set(RequestContext("request-1", "192.0.2.1"))

    async with hub.database.write() as session:
        activity.record(
            session,
            "user.renamed",
            actor_id=actor,
            target_kind="user",
            target_id=target,
            fields=2,
            note=None,
        )
    request_context.reset(token)

    (act,) = await acts(hub)
    assert (act.actor_id, act.action) == (actor, "user.renamed")
    assert (act.target_kind, act.target_id) == ("user", target)
    assert (act.request_id, act.address) == ("request-1", "192.0.2.1")
    assert act.details == {"fields": 2, "note": None}
    assert abs(act.at - datetime.now(UTC)) < timedelta(seconds=5)


async def test_an_act_of_the_hub_itself_has_no_actor_and_no_request(hub: Resources) -> None:
    async with hub.database.write() as session:
        activity.record(session, "hub.pruned", actor_id=None)

    (act,) = await acts(hub)
    assert (act.actor_id, act.request_id, act.address, act.details) == (None, None, None, {})


async def undone(hub: Resources) -> None:
    async with hub.database.write() as session:
        activity.record(session, "user.deleted", actor_id=new_id())
        await session.flush()
        raise ValueError


async def test_an_act_that_is_undone_leaves_no_record(hub: Resources) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the one raised above
        await undone(hub)

    assert await acts(hub) == []
