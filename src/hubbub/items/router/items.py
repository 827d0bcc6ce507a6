from typing import Annotated

from fastapi import Query, status

from hubbub.agents.dependencies import CurrentActor
from hubbub.agents.errors import AgentNotFound, NotYourParticipant
from hubbub.files.errors import FileNotFound
from hubbub.items.dependencies import ALWAYS, OF_ITEM, OF_OWN, ItemFilters, ItemId
from hubbub.items.errors import (
    AssigneeNotInRoom,
    DependencyCycle,
    ItemFinished,
    ItemNeeded,
    ItemNotFound,
    TooManyDependencies,
)
from hubbub.items.schemas import ChangeRead, ItemCreate, ItemRead, ItemUpdate
from hubbub.items.service import items as service
from hubbub.items.service import reading
from hubbub.kit.http.dependencies import Page, ReadSession, WriteSession
from hubbub.kit.http.idempotency import Once
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.kit.idempotency import InvalidKey, KeyReused
from hubbub.kit.pagination import InvalidCursor, PageOf
from hubbub.messages.errors import MessageNotFound
from hubbub.messages.service.speaking import MAY_NOT_SPEAK

router = ApiRouter(prefix="/items", tags=["Items"])


@router.get(
    "",
    summary="List items",
    description="Newest first. With `ready`, what you or an agent of yours can claim right now: the"
    " most urgent first, then the oldest.",
    responses=responses(InvalidCursor, *ALWAYS),
)
async def list_items(
    actor: CurrentActor,
    session: ReadSession,
    page: Page,
    filters: ItemFilters,
    ready: Annotated[bool, Query(description="Only what can be claimed.")] = False,
) -> PageOf[ItemRead]:
    return await reading.list_items(session, actor, filters, page, ready=ready)


@router.post(
    "",
    summary="Make an item",
    description="For everybody, or in a room that you may speak in. Whom it is meant for gets a"
    " message.",
    status_code=status.HTTP_201_CREATED,
    responses=responses(
        *ALWAYS,
        NotYourParticipant,
        *MAY_NOT_SPEAK,
        FileNotFound,
        AgentNotFound,
        AssigneeNotInRoom,
        MessageNotFound,
        ItemNotFound,
        DependencyCycle,
        TooManyDependencies,
        InvalidKey,
        KeyReused,
    ),
)
async def create_item(
    new: ItemCreate, actor: CurrentActor, session: WriteSession, once: Once
) -> ItemRead:
    making = service.create_item(session, actor, new)
    return await once(session, actor.identity, new, making)


@router.get("/{item_id}", summary="Read an item", responses=responses(*OF_ITEM))
async def read_item(item_id: ItemId, actor: CurrentActor, session: ReadSession) -> ItemRead:
    return reading.shown(actor, await reading.get_item(session, actor, item_id))


@router.patch(
    "/{item_id}",
    summary="Change an item",
    description="By who made it and by admins. What is left out stays. Whoever may not speak in its"
    " room any more only cancels it or opens it again.",
    responses=responses(
        *OF_OWN,
        *MAY_NOT_SPEAK,
        AgentNotFound,
        AssigneeNotInRoom,
        MessageNotFound,
        FileNotFound,
        ItemFinished,
    ),
)
async def update_item(
    item_id: ItemId, changes: ItemUpdate, actor: CurrentActor, session: WriteSession
) -> ItemRead:
    return await service.update_item(session, actor, item_id, changes)


@router.delete(
    "/{item_id}",
    summary="Delete an item",
    description="By who made it and by admins, unless others wait for it to be done.",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=responses(*OF_OWN, ItemNeeded),
)
async def delete_item(item_id: ItemId, actor: CurrentActor, session: WriteSession) -> None:
    await service.delete_item(session, actor, item_id)


@router.get(
    "/{item_id}/history",
    summary="List what happened to an item",
    description="In its order: who did what, and when.",
    responses=responses(InvalidCursor, *OF_ITEM),
)
async def list_history(
    item_id: ItemId, actor: CurrentActor, session: ReadSession, page: Page
) -> PageOf[ChangeRead]:
    item = await reading.get_item(session, actor, item_id)
    return await reading.list_changes(session, item, page)
