"""What becomes of items whose assignee is no more."""

from uuid import UUID

from sqlalchemy import update

from hubbub.items import queries
from hubbub.items.models import Item
from hubbub.items.service.history import note
from hubbub.items.types import Act
from hubbub.kit.db.database import Database


async def unassign(database: Database, participant_id: UUID) -> None:
    """Anybody may claim them then. What it had claimed itself, lapses."""
    async with database.read() as session:
        found = await queries.assigned_to(session, participant_id)
    for item_id in found:
        async with database.write() as session:
            statement = (
                update(Item)
                .where(Item.id == item_id, Item.assignee_id == participant_id)
                .values(assignee_id=None)
                .returning(Item.id)
                .execution_options(synchronize_session=False)
            )
            if (await session.scalars(statement)).one_or_none() is not None:
                note(session, None, item_id, Act.UNASSIGNED)
