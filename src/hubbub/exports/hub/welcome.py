"""What has to be done after an import: nobody's credentials came along."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import Select, Table, func, select

from hubbub.agents.models import Agent
from hubbub.agents.types import GatewayKind, Kind
from hubbub.auth.models import PasswordReset, Setup
from hubbub.auth.service.passwords import RESET
from hubbub.files.models import File
from hubbub.kit.db.bulk import Bulk
from hubbub.kit.ids import new_id
from hubbub.kit.keys import Keyring
from hubbub.settings import AuthSettings
from hubbub.users.models import User
from hubbub.users.types import Role


@dataclass(frozen=True, slots=True)
class Welcome:
    admin: str | None
    """The address of the admin who has been so for longest."""
    token: str
    """With which they choose a password."""
    agents: int
    gateways: int
    files: int


async def welcome(bulk: Bulk, keys: Keyring, settings: AuthSettings) -> Welcome:
    first = (
        select(User.id, User.email)
        .where(User.role == Role.ADMIN, User.is_active)
        .order_by(User.created_at, User.id)
        .limit(1)
    )
    token, email = "", None
    for user_id, address in await bulk.rows(first):
        email, reset_id = address, new_id()
        ends = datetime.now(UTC) + timedelta(minutes=settings.reset_minutes)
        table = cast("Table", PasswordReset.__table__)
        row = (str(reset_id), str(user_id), bulk.time(ends))
        await bulk.insert(table, ["id", "user_id", "expires_at"], [row])
        token = keys.token_for(RESET, reset_id)
    if email is None:
        # as in a new hub: its start prints a link to make one
        await bulk.empty(cast("Table", Setup.__table__))
    agents = select(func.count()).where(Agent.kind == Kind.AGENT, Agent.deleted_at.is_(None))
    return Welcome(
        admin=email,
        token=token,
        agents=await _count(bulk, agents),
        gateways=await _count(bulk, agents.where(Agent.gateway_kind != GatewayKind.NONE)),
        files=await _count(bulk, select(func.count()).select_from(File)),
    )


async def _count(bulk: Bulk, statement: Select[*tuple[Any, ...]]) -> int:
    [[count]] = await bulk.rows(statement)
    return int(count)
