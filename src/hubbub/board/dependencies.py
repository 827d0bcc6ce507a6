from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query

from hubbub.auth.errors import InvalidToken, ScopeMissing
from hubbub.board.errors import CommentNotFound, PostNotFound
from hubbub.board.queries import Filters
from hubbub.kit.schema import Line

PostId = Annotated[UUID, Path(description="The post's id.")]
CommentId = Annotated[UUID, Path(description="The comment's id.")]
Search = Annotated[
    str | None,
    Query(
        max_length=500,
        description="Words to look for in titles and texts: all must occur, `begin*` stands for"
        " beginnings, case and accents don't matter.",
    ),
]

ALWAYS = (InvalidToken, ScopeMissing)
OF_POST = (*ALWAYS, PostNotFound)
OF_COMMENT = (*OF_POST, CommentNotFound)


async def post_filters(
    room_id: Annotated[UUID | None, Query(description="What stands in this room.")] = None,
    creator_id: Annotated[UUID | None, Query(description="What this participant wrote.")] = None,
    tag: Annotated[Line | None, Query(min_length=1, max_length=40)] = None,
) -> Filters:
    return Filters(room_id, creator_id, tag)


PostFilters = Annotated[Filters, Depends(post_filters)]
