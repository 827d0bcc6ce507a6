"""Who may write to whom: the one place that decides, asked wherever a message is about to pass."""

from hubbub.agents.types import Accepts, Party, RefusalCode

_REFUSALS = {
    Accepts.CONTACTS: RefusalCode.CONTACTS_ONLY,
    Accepts.OWNER: RefusalCode.OWNER_ONLY,
    Accepts.NOBODY: RefusalCode.NOBODY,
}


def may_send(
    sender: Party, recipient: Party, *, is_contact: bool, is_blocked: bool
) -> RefusalCode | None:
    """Why not, or None if it may. `is_blocked`: the recipient has blocked the sender.

    Participants of one owner are contacts by nature. A room's members don't come here: joining a
    room is consent to what is said in it.
    """
    if sender.deleted:
        return RefusalCode.SENDER_DELETED
    if recipient.deleted:
        return RefusalCode.RECIPIENT_DELETED
    if is_blocked:
        return RefusalCode.BLOCKED
    same_owner = sender.owner_id is not None and sender.owner_id == recipient.owner_id
    passes = {
        Accepts.EVERYONE: True,
        Accepts.CONTACTS: is_contact or same_owner,
        Accepts.OWNER: same_owner,
        Accepts.NOBODY: False,
    }
    return None if passes[recipient.accepts] else _REFUSALS[recipient.accepts]
