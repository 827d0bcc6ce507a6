from collections.abc import Sequence

from hubbub.activity import service as activity
from hubbub.auth.errors import InvalidToken
from hubbub.kit.db.dialect import upsert
from hubbub.kit.db.sessions import AsyncReadSession, AsyncWriteSession
from hubbub.notifications import queries
from hubbub.notifications.models import NotificationPreference
from hubbub.notifications.schemas import Preference, PreferenceRead
from hubbub.notifications.types import ABOUT, Kind, default_wish
from hubbub.users.queries import lock_user
from hubbub.users.types import Viewer


async def list_preferences(session: AsyncReadSession, viewer: Viewer) -> list[PreferenceRead]:
    chosen = await queries.chosen_wishes(session, viewer)
    shown = []
    for kind in Kind:
        wish = chosen.get(kind) or default_wish(kind)
        shown.append(PreferenceRead(kind=kind, about=ABOUT[kind], hub=wish.hub, email=wish.email))
    return shown


async def choose(
    session: AsyncWriteSession, viewer: Viewer, preferences: Sequence[Preference]
) -> None:
    if await lock_user(session, viewer.user_id) is None:
        raise InvalidToken  # deleted since the credential was checked
    rows = [
        {"user_id": viewer.user_id, "kind": each.kind, "hub": each.hub, "email": each.email}
        for each in sorted(preferences, key=lambda each: each.kind)
    ]
    await session.execute(
        upsert(
            session,
            NotificationPreference,
            rows,
            unique=["user_id", "kind"],
            change=["hub", "email"],
        )
    )
    activity.record(
        session,
        "notifications.preferences_changed",
        actor_id=viewer.user_id,
        target_kind="user",
        target_id=viewer.user_id,
        kinds=", ".join(sorted(each.kind for each in preferences)),
    )
