from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query

from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.items.errors import ClaimLost, ItemNotFound, NotYourClaim, NotYourItem
from hubbub.items.queries import Filters
from hubbub.items.types import Status
from hubbub.kit.schema import Line

ItemId = Annotated[UUID, Path(description="The item's id.")]
NeedsId = Annotated[UUID, Path(description="The id of the item that it waits for.")]

ALWAYS = (InvalidToken, ScopeMissing)
OF_ITEM = (*ALWAYS, ItemNotFound)
OF_OWN = (*OF_ITEM, NotYourItem)
OF_CLAIM = (*OF_ITEM, NotYourClaim, ClaimLost)


async def item_filters(
    status: Annotated[Status | None, Query()] = None,
    label: Annotated[Line | None, Query(min_length=1, max_length=40)] = None,
    room_id: Annotated[UUID | None, Query(description="What belongs to this room.")] = None,
    creator_id: Annotated[UUID | None, Query(description="What this participant made.")] = None,
    assignee_id: Annotated[UUID | None, Query(description="What is meant for this one.")] = None,
    holder_id: Annotated[
        UUID | None, Query(description="What this one has claimed or finished.")
    ] = None,
) -> Filters:
    return Filters(status, label, room_id, creator_id, assignee_id, holder_id)


ItemFilters = Annotated[Filters, Depends(item_filters)]
