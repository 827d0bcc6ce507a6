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


JOBS = (warn_of_stolen_token,)
