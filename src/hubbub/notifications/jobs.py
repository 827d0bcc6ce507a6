from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import and_, or_

from hubbub.agents.queries import agent_for_notice, contact_for_notice
from hubbub.agents.service.contacts import ContactAccepted, ContactAsked
from hubbub.agents.service.transfers import TransferOffered, Transferred
from hubbub.agents.types import ContactState
from hubbub.auth.service.sessions import TokenStolen
from hubbub.kit.db.chunks import delete_in_chunks
from hubbub.kit.db.dialect import db_now
from hubbub.kit.db.sessions import AsyncWriteSession
from hubbub.kit.jobs import GiveUp, JobContext, NoArgs, enqueue, job
from hubbub.kit.mail import Mail, MailFailed
from hubbub.kit.mail.letters import Letters
from hubbub.notifications import queries
from hubbub.notifications.models import Notification
from hubbub.notifications.service import mailing, notify
from hubbub.notifications.service.mailing import Taken
from hubbub.notifications.service.telling import MailWanted
from hubbub.notifications.types import MailState
from hubbub.users.queries import find_for_sign_in
from hubbub.users.service import AccountCreated

_LETTERS = Letters(Path(__file__).parent / "templates")
_DAY_OF_TRIES = 30
"""A mail server may be away over a night."""
_AT_ONCE = 500


@job("notifications.token_stolen", on=TokenStolen)
async def warn_of_stolen_token(context: JobContext, event: TokenStolen) -> None:
    async with context.resources.database.write() as session:
        await notify(
            session,
            event.user_id,
            "auth.token_stolen",
            "One of your sessions was ended",
            "Its refresh token was used twice, so somebody else may have had a copy. If you don't"
            " recognise your sessions, change your password.",
            once=context.id,
        )


@job("notifications.contact_asked", on=ContactAsked)
async def tell_of_request(context: JobContext, event: ContactAsked) -> None:
    async with context.resources.database.write() as session:
        contact = await contact_for_notice(session, event.contact_id)
        if contact is None or contact.state is not ContactState.REQUESTED:
            return
        if contact.other.owner_id is not None:
            await notify(
                session,
                contact.other.owner_id,
                "agents.contact_asked",
                f"{contact.agent.handle} asks {contact.other.handle} for contact",
                contact.note or None,
                once=context.id,
            )


@job("notifications.contact_accepted", on=ContactAccepted)
async def tell_of_acceptance(context: JobContext, event: ContactAccepted) -> None:
    async with context.resources.database.write() as session:
        contact = await contact_for_notice(session, event.contact_id)
        if contact is not None and contact.agent.owner_id is not None:
            await notify(
                session,
                contact.agent.owner_id,
                "agents.contact_accepted",
                f"{contact.other.handle} accepted {contact.agent.handle} as a contact",
                once=context.id,
            )


@job("notifications.transfer_offered", on=TransferOffered)
async def tell_of_offer(context: JobContext, event: TransferOffered) -> None:
    async with context.resources.database.write() as session:
        agent = await agent_for_notice(session, event.agent_id)
        if agent is not None:
            await notify(
                session,
                event.to_user_id,
                "agents.transfer_offered",
                f"You are offered the agent {agent.handle}",
                "Accept it, and give it a new key then: those that it has end with the transfer.",
                once=context.id,
            )


@job("notifications.transferred", on=Transferred)
async def tell_of_transfer(context: JobContext, event: Transferred) -> None:
    async with context.resources.database.write() as session:
        agent = await agent_for_notice(session, event.agent_id)
        if agent is not None and agent.owner_id == event.to_user_id:
            await notify(
                session,
                event.to_user_id,
                "agents.transferred",
                f"The agent {agent.handle} is yours now",
                "The keys that it had have ended; give it a new one.",
                once=context.id,
            )


@job("notifications.welcome", on=AccountCreated, max_attempts=_DAY_OF_TRIES)
async def welcome(context: JobContext, event: AccountCreated) -> None:
    resources = context.resources
    async with resources.database.read() as session:
        user = await find_for_sign_in(session, event.user_id)
    if user is None:
        return
    mail = _LETTERS.write(
        resources.settings,
        "welcome",
        user.email,
        "Welcome!",
        name=user.full_name,
        username=user.username,
    )
    try:
        await resources.mailer.send(mail)
    except MailFailed as error:
        if error.retryable:
            raise
        raise GiveUp from error


@job("notifications.mail", on=MailWanted, max_attempts=_DAY_OF_TRIES)
async def mail_notice(context: JobContext, event: MailWanted) -> None:
    settings = context.resources.settings.notifications
    await _mail(
        context,
        lambda session: mailing.take_one(session, settings, event.notification_id, context.id),
    )


class Digest(BaseModel):
    user_id: UUID


@job("notifications.mail_digest", max_attempts=_DAY_OF_TRIES)
async def mail_digest(context: JobContext, args: Digest) -> None:
    settings = context.resources.settings.notifications
    await _mail(
        context, lambda session: mailing.take_waiting(session, settings, args.user_id, context.id)
    )


@job("notifications.gather", every=timedelta(minutes=1))
async def gather(context: JobContext, _: NoArgs) -> None:
    """Has those mailed who have more waiting than is mailed one by one."""
    resources = context.resources
    window = resources.settings.notifications.window_minutes * 60.0
    async with resources.database.read() as session:
        users = await queries.users_to_mail(session, window, _AT_ONCE)
    if users:
        async with resources.database.write() as session:
            for user_id in users:
                key = f"{user_id}@{context.id}"
                await enqueue(session, mail_digest, Digest(user_id=user_id), key=key)


@job("notifications.prune", every=timedelta(hours=6))
async def prune(context: JobContext, _: NoArgs) -> None:
    """What was read long ago, or was mailed then to who wanted mail alone and can't read it."""
    long_ago = db_now(-context.resources.settings.notifications.keep_days * 86400.0)
    was_mailed = and_(~Notification.shown, Notification.mail_at < long_ago)
    await delete_in_chunks(
        context.resources.database, Notification, or_(Notification.read_at < long_ago, was_mailed)
    )


async def _mail(
    context: JobContext, take: Callable[[AsyncWriteSession], Awaitable[Taken | None]]
) -> None:
    """Taken, then sent, then noted: whoever is killed in between sends it again."""
    resources = context.resources
    async with resources.database.write() as session:
        taken = await take(session)
    if taken is None:
        return
    state = MailState.SENT
    try:
        await resources.mailer.send(_written(context, taken))
    except MailFailed as error:
        if error.retryable:
            raise
        state = MailState.FAILED
    async with resources.database.write() as session:
        await mailing.close(session, context.id, state)


def _written(context: JobContext, taken: Taken) -> Mail:
    settings = context.resources.settings
    if taken.count == 1:
        [notice] = taken.notices
        return _LETTERS.write(
            settings, "notice", taken.to, notice.title, name=taken.name, notice=notice
        )
    return _LETTERS.write(
        settings,
        "digest",
        taken.to,
        f"{taken.count} notifications from {settings.app_name}",
        name=taken.name,
        count=taken.count,
        notices=taken.notices,
    )


JOBS = (
    welcome,
    mail_notice,
    mail_digest,
    gather,
    prune,
    warn_of_stolen_token,
    tell_of_request,
    tell_of_acceptance,
    tell_of_offer,
    tell_of_transfer,
)
