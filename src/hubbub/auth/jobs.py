"""Mails about credentials. Their links are made while sending, so no token is ever stored."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import or_

from hubbub.auth import queries
from hubbub.auth.models import ApiKey, AuthSession, Invitation, PasswordReset
from hubbub.auth.service import invitations, passwords
from hubbub.auth.service.invitations import Invited
from hubbub.auth.service.passwords import ResetAsked
from hubbub.auth.tokens import Tokens
from hubbub.kit.db.chunks import delete_in_chunks
from hubbub.kit.jobs import GiveUp, JobContext, NoArgs, job
from hubbub.kit.mail import Mail, MailFailed
from hubbub.kit.mail.letters import Letters

_LETTERS = Letters(Path(__file__).parent / "templates")


def _tokens(context: JobContext) -> Tokens:
    resources = context.resources
    return Tokens(resources.keys, resources.settings.auth, resources.clock)


async def _send(context: JobContext, mail: Mail) -> None:
    try:
        await context.resources.mailer.send(mail)
    except MailFailed as error:
        if error.retryable:
            raise
        raise GiveUp from error


@job("auth.mail_reset", on=ResetAsked)
async def mail_reset(context: JobContext, event: ResetAsked) -> None:
    resources = context.resources
    async with resources.database.write() as session:
        begun = await passwords.begin_reset(session, _tokens(context), event.email, context.id)
    if begun is None:
        return
    name, token = begun
    mail = _LETTERS.write(
        resources.settings,
        "reset",
        event.email,
        "Your new password",
        name=name,
        minutes=resources.settings.auth.reset_minutes,
        link=f"{resources.settings.public_url}/reset?token={token}",
    )
    await _send(context, mail)


@job("auth.mail_invitation", on=Invited)
async def mail_invitation(context: JobContext, event: Invited) -> None:
    resources = context.resources
    tokens = _tokens(context)
    async with resources.database.read() as session:
        invitation = await queries.find_open_invitation(session, event.invitation_id, tokens.now())
    if invitation is None or invitation.email is None:
        return
    link = invitations.invitation_link(tokens, resources.settings.public_url, invitation.id)
    mail = _LETTERS.write(
        resources.settings,
        "invitation",
        invitation.email,
        f"You are invited to {resources.settings.app_name}",
        link=link,
        ends=f"{invitation.expires_at:%Y-%m-%d %H:%M}",
    )
    await _send(context, mail)


@job("auth.prune", every=timedelta(hours=6))
async def prune(context: JobContext, _: NoArgs) -> None:
    """Takes away what has ended a month ago; until then it tells an admin what happened."""
    database = context.resources.database
    old = context.resources.clock.now() - timedelta(days=30)
    for model in (AuthSession, PasswordReset, Invitation):
        await delete_in_chunks(database, model, model.expires_at < old)
    await delete_in_chunks(database, ApiKey, or_(ApiKey.expires_at < old, ApiKey.revoked_at < old))


JOBS = (mail_reset, mail_invitation, prune)
