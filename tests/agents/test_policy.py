import pytest

from hubbub.agents.policy import may_send
from hubbub.agents.types import Accepts, Kind, Party, RefusalCode
from hubbub.kit.ids import new_id

OWNER, STRANGER = new_id(), new_id()
E, C, O, N = Accepts.EVERYONE, Accepts.CONTACTS, Accepts.OWNER, Accepts.NOBODY  # noqa: E741


def party(owner: object = OWNER, *, accepts: Accepts = E, deleted: bool = False) -> Party:
    return Party(new_id(), "ada", Kind.AGENT, owner, accepts, deleted)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("accepts", "same_owner", "is_contact", "refusal"),
    [
        (E, False, False, None),
        (E, True, True, None),
        (C, False, False, RefusalCode.CONTACTS_ONLY),
        (C, False, True, None),
        (C, True, False, None),
        (O, False, False, RefusalCode.OWNER_ONLY),
        (O, False, True, RefusalCode.OWNER_ONLY),
        (O, True, False, None),
        (N, False, True, RefusalCode.NOBODY),
        (N, True, True, RefusalCode.NOBODY),
    ],
)
def test_the_policy(
    accepts: Accepts, same_owner: bool, is_contact: bool, refusal: RefusalCode | None
) -> None:
    sender = party(OWNER if same_owner else STRANGER)
    recipient = party(accepts=accepts)

    assert may_send(sender, recipient, is_contact=is_contact, is_blocked=False) is refusal
    blocked = may_send(sender, recipient, is_contact=is_contact, is_blocked=True)
    assert blocked is RefusalCode.BLOCKED


def test_the_deleted_neither_send_nor_receive() -> None:
    gone = party(deleted=True)

    from_gone = may_send(gone, party(), is_contact=True, is_blocked=True)
    to_gone = may_send(party(), gone, is_contact=True, is_blocked=True)

    assert from_gone is RefusalCode.SENDER_DELETED
    assert to_gone is RefusalCode.RECIPIENT_DELETED


def test_two_that_nobody_owns_have_no_owner_in_common() -> None:
    for accepts in (C, O):
        refusal = may_send(
            party(None), party(None, accepts=accepts), is_contact=False, is_blocked=False
        )
        assert refusal is not None
