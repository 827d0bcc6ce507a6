"""Who gets a message, looked up and checked for many messages at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hubbub.agents.policy import may_send
from hubbub.agents.types import Accepts, Party
from hubbub.messages.errors import (
    InboxFull,
    NobodyAddressed,
    NotInRoom,
    OnlyListens,
    RecipientNotFound,
    RecipientRefuses,
    RoomClosed,
)
from hubbub.messages.writer import statements as sql
from hubbub.messages.writer.draft import Draft
from hubbub.messages.writer.steps import Ask, Limits, Steps
from hubbub.rooms.types import MemberRole, Visibility

type Pairs = set[tuple[str, str]]
"""Recipient and sender."""


@dataclass(slots=True)
class People:
    """Participants, and the numbers of their inboxes."""

    by_id: dict[str, Party] = field(default_factory=dict)
    by_handle: dict[str, Party] = field(default_factory=dict)
    open: dict[str, int] = field(default_factory=dict)
    last_seq: dict[str, int] = field(default_factory=dict)
    """Of rooms too."""
    pushed: dict[str, int] = field(default_factory=dict)
    """Those who have a gateway: 1, or 2 where one push waits for the one before."""
    blocking: set[str] = field(default_factory=set)

    def add(self, rows: Iterable[Any]) -> list[str]:
        ids = []
        for agent_id, handle, kind, owner_id, accepts, blocks, waiting, last_seq, pushed in rows:
            party = Party(agent_id, handle, kind, owner_id, accepts, False)
            self.by_id[agent_id] = self.by_handle[handle] = party
            self.open[agent_id] = waiting or 0
            self.last_seq[agent_id] = last_seq or 0
            if blocks:
                self.blocking.add(agent_id)
            if pushed:
                self.pushed[agent_id] = pushed
            ids.append(agent_id)
        return ids


@dataclass(slots=True)
class Room:
    """A room as one sender sees it."""

    id: str
    is_public: bool
    role: str | None
    is_deleted: bool


@dataclass(slots=True)
class Rooms:
    by_name: dict[tuple[str, str], Room] = field(default_factory=dict)
    """By name and sender."""
    members: dict[str, list[str]] = field(default_factory=dict)
    """Those who hear what is said, by the room's id."""


def look_up(drafts: Iterable[Draft]) -> Steps[People]:
    ids: set[str] = set()
    handles: set[str] = set()
    for draft in drafts:
        ids.add(draft.sender_id)
        ids.update(draft.to_ids)
        handles.update(draft.to_handles)
    people = People()
    if ids:
        people.add((yield Ask(sql.AGENTS_BY_ID, list(ids))))
    if handles:
        people.add((yield Ask(sql.AGENTS_BY_HANDLE, list(handles))))
    return people


def look_up_rooms(drafts: Iterable[Draft], people: People) -> Steps[Rooms]:
    asked = {(draft.to_room, draft.sender_id) for draft in drafts if draft.to_room is not None}
    rooms = Rooms()
    if not asked:
        return rooms
    for name, sender, room_id, visibility, role, deleted, last_seq in (
        yield Ask(sql.ROOMS, list(asked))
    ):
        is_public = visibility == Visibility.PUBLIC
        rooms.by_name[name, sender] = Room(room_id, is_public, role, bool(deleted))
        people.last_seq[room_id] = last_seq or 0
    spoken_in = {room.id for room in rooms.by_name.values() if room.role is not None}
    yield from look_up_members(sorted(spoken_in), rooms, people)
    return rooms


def look_up_members(room_ids: list[str], rooms: Rooms, people: People) -> Steps[None]:
    if room_ids:
        for room_id, member, last_seq, pushed in (yield Ask(sql.ROOM_MEMBERS, room_ids)):
            rooms.members.setdefault(room_id, []).append(member)
            people.last_seq[member] = last_seq or 0
            if pushed:
                people.pushed[member] = pushed


def room_of(draft: Draft, rooms: Rooms) -> Room | None:
    """The room that is spoken in; being in it is all the leave that it takes."""
    if draft.to_room is None:
        return None
    room = rooms.by_name.get((draft.to_room, draft.sender_id))
    if room is None or (room.role is None and not room.is_public):
        raise RecipientNotFound(unknown_room=draft.to_room)
    if room.is_deleted:
        raise RoomClosed
    if room.role is None:
        raise NotInRoom
    if room.role == MemberRole.OBSERVER:
        raise OnlyListens
    return room


def addressed(draft: Draft, people: People, limits: Limits) -> list[str]:
    """Those who are named themselves: each once, in the order of their ids, never the sender."""
    if draft.sender_id not in people.by_id:
        raise RecipientRefuses("The sender has been deleted.")
    missing = [each for each in draft.to_ids if each not in people.by_id]
    unknown = [each for each in draft.to_handles if each not in people.by_handle]
    if missing or unknown:
        raise RecipientNotFound(unknown=unknown)
    # Party says UUID of what is text here
    named = {str(people.by_handle[handle].id) for handle in draft.to_handles}
    recipients = sorted({*draft.to_ids, *named} - {draft.sender_id})
    if not recipients and draft.to_room is None and not draft.to_everyone:
        raise NobodyAddressed
    if any(people.open[other] >= limits.open_per_inbox for other in recipients):
        raise InboxFull(retry_after=60)
    return recipients


@dataclass(slots=True)
class Standing:
    """How recipients stand to senders."""

    blocked: Pairs = field(default_factory=set)
    contacts: Pairs = field(default_factory=set)

    def refuses(self, sender: Party, recipient: Party) -> bool:
        pair = (str(recipient.id), str(sender.id))
        return bool(
            may_send(
                sender,
                recipient,
                is_contact=pair in self.contacts,
                is_blocked=pair in self.blocked,
            )
        )


def look_up_standing(pairs: Pairs, people: People) -> Steps[Standing]:
    standing = Standing()
    doubtful = [pair for pair in pairs if pair[0] in people.blocking]
    if doubtful:
        standing.blocked = {tuple(row) for row in (yield Ask(sql.BLOCKS, doubtful))}
    closed = [pair for pair in pairs if people.by_id[pair[0]].accepts == Accepts.CONTACTS]
    if closed:
        standing.contacts = {tuple(row) for row in (yield Ask(sql.CONTACTS, closed))}
    return standing
