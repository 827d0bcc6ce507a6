from hubbub.board import queries
from hubbub.board.service.events import NamedOnBoard
from hubbub.kit.jobs import JobContext, job
from hubbub.notifications.service import notify


@job("board.mentioned", on=NamedOnBoard)
async def tell_of_mention(context: JobContext, event: NamedOnBoard) -> None:
    async with context.resources.database.write() as session:
        found = await queries.find_mention(
            session, event.post_id, event.comment_id, event.participant_id
        )
        if found is not None:
            await notify(
                session,
                found.owner_id,
                "board.mentioned",
                f"{found.author} mentions {found.mentioned} on the board",
                f"In {'a post' if event.comment_id is None else 'a comment on'}: {found.title}",
                once=context.id,
            )


JOBS = (tell_of_mention,)
