from fastapi import status

from hubbub.agents.dependencies import CurrentActor
from hubbub.items.dependencies import OF_ITEM, OF_OWN, ItemId, NeedsId
from hubbub.items.errors import (
    DependencyCycle,
    DependencyNotFound,
    ItemNotOpen,
    TooManyDependencies,
)
from hubbub.items.schemas import Dependencies, Dependency
from hubbub.items.service import dependencies as service
from hubbub.items.service import reading
from hubbub.kit.http.dependencies import ReadSession, WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused

router = ApiRouter(prefix="/items/{item_id}/dependencies", tags=["Items"])


@router.get(
    "",
    summary="List what an item waits for, and what waits for it",
    responses=responses(*OF_ITEM),
)
async def list_dependencies(
    item_id: ItemId, actor: CurrentActor, session: ReadSession
) -> Dependencies:
    item = await reading.get_item(session, actor, item_id)
    return await reading.dependencies_of(session, actor, item)


@router.post(
    "",
    summary="Have an item wait for another",
    description="By who made it and by admins, while it is open. It can't be claimed before the"
    " other is done.",
    status_code=status.HTTP_201_CREATED,
    responses=responses(
        *OF_OWN, ItemNotOpen, DependencyCycle, TooManyDependencies, InvalidKey, KeyReused
    ),
)
async def add_dependency(
    item_id: ItemId, new: Dependency, actor: CurrentActor, session: WriteSession, once: Once
) -> Dependencies:
    adding = service.add_dependency(session, actor, item_id, new.item_id)
    return await once(session, actor.identity, new, adding)


@router.delete(
    "/{needs_id}",
    summary="Have an item wait no more",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(*OF_OWN, ItemNotOpen, DependencyNotFound),
)
async def remove_dependency(
    item_id: ItemId, needs_id: NeedsId, actor: CurrentActor, session: WriteSession
) -> None:
    await service.remove_dependency(session, actor, item_id, needs_id)
