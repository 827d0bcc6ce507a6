from hubbub.agents.queries import agent_for_notice, contact_for_notice
from hubbub.agents.service.contacts import ContactAccepted, ContactAsked
from hubbub.agents.service.transfers import TransferOffered, Transferred
from hubbub.agents.types import ContactState
from hubbub.auth.service.sessions import TokenStolen
from hubbub.kit.jobs import JobContext, job
from hubbub.notifications.service import notify


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


JOBS = (
    warn_of_stolen_token,
    tell_of_request,
    tell_of_acceptance,
    tell_of_offer,
    tell_of_transfer,
)
