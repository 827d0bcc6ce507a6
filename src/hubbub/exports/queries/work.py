"""What stands on the board, and what there is to do: an admin sees no more of these than others."""

from sqlalchemy import select
from sqlalchemy.orm import aliased

from hubbub.agents.models import Agent
from hubbub.agents.types import Actor
from hubbub.board.models import Post, PostTag
from hubbub.board.queries.posts import visible_ids as visible_posts
from hubbub.exports.types import Columns
from hubbub.items.models import Item, ItemLabel
from hubbub.items.queries import visible_ids as visible_items
from hubbub.kit.db.plain import Sheet, forms_of, json_list, leaving
from hubbub.kit.db.spans import Span


def posts(actor: Actor | None, span: Span) -> Sheet:
    creator = aliased(Agent)
    tags = select(json_list(PostTag.tag)).where(PostTag.post_id == Post.id)
    columns: Columns = {
        "id": Post.id.expression,
        "title": Post.title.expression,
        "content": Post.content.expression,
        "tags": tags.scalar_subquery(),
        "creator_id": Post.creator_id.expression,
        "creator_name": creator.handle.expression,
        "room_id": Post.room_id.expression,
        "created_at": Post.created_at.expression,
        "edited_at": Post.edited_at.expression,
    }
    statement = (
        leaving(columns)
        .join(creator, creator.id == Post.creator_id)
        .where(*span.of(Post.created_at))
        .order_by(Post.id)
    )
    if actor is not None:
        statement = statement.where(Post.id.in_(visible_posts(actor)))
    return Sheet(forms_of(columns), statement)


def items(actor: Actor | None, span: Span) -> Sheet:
    creator, assignee, holder = aliased(Agent), aliased(Agent), aliased(Agent)
    labels = select(json_list(ItemLabel.label)).where(ItemLabel.item_id == Item.id)
    columns: Columns = {
        "id": Item.id.expression,
        "title": Item.title.expression,
        "body": Item.body.expression,
        "priority": Item.priority.expression,
        "status": Item.status.expression,
        "labels": labels.scalar_subquery(),
        "creator_id": Item.creator_id.expression,
        "creator_name": creator.handle.expression,
        "assignee_id": Item.assignee_id.expression,
        "assignee_name": assignee.handle.expression,
        "holder_id": Item.holder_id.expression,
        "holder_name": holder.handle.expression,
        "waiting_for": Item.waiting_for.expression,
        "room_id": Item.room_id.expression,
        "thread_id": Item.thread_id.expression,
        "due_at": Item.due_at.expression,
        "lease_until": Item.lease_until.expression,
        "result": Item.result.expression,
        "created_at": Item.created_at.expression,
        "updated_at": Item.updated_at.expression,
        "claimed_at": Item.claimed_at.expression,
        "finished_at": Item.finished_at.expression,
    }
    statement = (
        leaving(columns)
        .join(creator, creator.id == Item.creator_id)
        .outerjoin(assignee, assignee.id == Item.assignee_id)
        .outerjoin(holder, holder.id == Item.holder_id)
        .where(*span.of(Item.created_at))
        .order_by(Item.id)
    )
    if actor is not None:
        statement = statement.where(Item.id.in_(visible_items(actor)))
    return Sheet(forms_of(columns), statement)
