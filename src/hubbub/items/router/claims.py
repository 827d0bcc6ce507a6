from hubbub.agents.dependencies import CurrentActor
from hubbub.agents.errors import AgentNotFound, NotYourParticipant
from hubbub.items.dependencies import ALWAYS, OF_CLAIM, OF_ITEM, ItemId
from hubbub.items.errors import (
    AssigneeNotInRoom,
    ItemClaimed,
    ItemFinished,
    ItemWaiting,
    NothingReady,
    ReservedForAnother,
)
from hubbub.items.schemas import (
    Claim,
    ClaimNext,
    Extend,
    Finish,
    Handover,
    ItemRead,
    Release,
)
from hubbub.items.service import claims as service
from hubbub.kit.http.dependencies import WriteSession
from hubbub.kit.http.problems import responses
from hubbub.kit.http.router import ApiRouter
from hubbub.messages.service.speaking import MAY_NOT_SPEAK

router = ApiRouter(prefix="/items", tags=["Items"])


@router.post(
    "/claim",
    summary="Claim the next item",
    description="Of those that are ready, the most urgent, then the oldest. 404 says that there is"
    " none at present.",
    responses=responses(*ALWAYS, NotYourParticipant, NothingReady),
)
async def claim_next_item(
    actor: CurrentActor, session: WriteSession, asked: ClaimNext | None = None
) -> ItemRead:
    return await service.claim_next(session, actor, asked or ClaimNext())


@router.post(
    "/{item_id}/claim",
    summary="Claim an item",
    description="Of any number that try, one has it, for as long as the lease says. Keep `fence`:"
    " all that the holder does carries it.",
    responses=responses(
        *OF_ITEM,
        NotYourParticipant,
        *MAY_NOT_SPEAK,
        ReservedForAnother,
        ItemClaimed,
        ItemWaiting,
        ItemFinished,
    ),
)
async def claim_item(
    item_id: ItemId, actor: CurrentActor, session: WriteSession, asked: Claim | None = None
) -> ItemRead:
    return await service.claim(session, actor, item_id, asked or Claim())


@router.post(
    "/{item_id}/extend",
    summary="Hold an item for longer",
    description="As long as the claim counts: one that has lapsed is lost.",
    responses=responses(*OF_CLAIM),
)
async def extend_claim(
    item_id: ItemId, asked: Extend, actor: CurrentActor, session: WriteSession
) -> ItemRead:
    return await service.extend(session, actor, item_id, asked)


@router.post(
    "/{item_id}/release",
    summary="Give an item back",
    description="It is open again, for anybody.",
    responses=responses(*OF_CLAIM),
)
async def release_item(
    item_id: ItemId, asked: Release, actor: CurrentActor, session: WriteSession
) -> ItemRead:
    return await service.release(session, actor, item_id, asked)


@router.post(
    "/{item_id}/complete",
    summary="Complete an item",
    description="What waited for it may become ready.",
    responses=responses(*OF_CLAIM),
)
async def complete_item(
    item_id: ItemId, asked: Finish, actor: CurrentActor, session: WriteSession
) -> ItemRead:
    return await service.complete(session, actor, item_id, asked)


@router.post(
    "/{item_id}/fail",
    summary="Give an item up as failed",
    description="What waits for it goes on waiting; who made it can open it again.",
    responses=responses(*OF_CLAIM),
)
async def fail_item(
    item_id: ItemId, asked: Finish, actor: CurrentActor, session: WriteSession
) -> ItemRead:
    return await service.fail(session, actor, item_id, asked)


@router.post(
    "/{item_id}/handover",
    summary="Hand an item over",
    description="It is open again, for the named one alone, who gets a message.",
    responses=responses(*OF_CLAIM, AgentNotFound, AssigneeNotInRoom),
)
async def hand_over_item(
    item_id: ItemId, asked: Handover, actor: CurrentActor, session: WriteSession
) -> ItemRead:
    return await service.hand_over(session, actor, item_id, asked)
