"""Whose messages, deliveries and items a report counts, in which time."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Subquery, and_, or_, select, true, union
from sqlalchemy.orm import InstrumentedAttribute

from hubbub.agents.models import Agent
from hubbub.items.models import Item
from hubbub.kit.ids import first_id_at
from hubbub.messages.models import Attempt, Delivery, Message
from hubbub.messages.types import TOMBSTONES

type _Ids = ColumnElement[UUID] | InstrumentedAttribute[UUID]


@dataclass(frozen=True, slots=True)
class Scope:
    """`mine` are the participants whom the report is about; None: all there are. Messages are
    found by their ids, which sort by time."""

    since: datetime
    until: datetime
    mine: Select[UUID] | None

    def among_mine(self, participant: _Ids) -> ColumnElement[bool]:
        return true() if self.mine is None else participant.in_(self.mine)

    def messages(self) -> Subquery:
        """What these have sent or got."""
        found = select(
            Message.id, Message.sender_id, Message.thread_id, Message.room_id, Message.created_at
        )
        if self.mine is None:
            return found.where(self._within(Message.id)).subquery()
        got = select(Delivery.message_id).where(*self._got(self.mine))
        ids = union(self._sent(self.mine), got).subquery()
        return found.join(ids, ids.c.id == Message.id).subquery()

    def deliveries(self) -> Subquery:
        """Of what these have sent, and to them. What expired or was withdrawn they never got."""
        found = select(
            Delivery.recipient_id,
            Delivery.seq,
            Delivery.message_id,
            Delivery.sender_id,
            Delivery.state,
            Delivery.created_at,
            Delivery.delivered_at,
            Delivery.acked_at,
            Delivery.attempts,
            Delivery.reason,
        )
        if self.mine is None:
            return found.where(self._within(Delivery.message_id)).subquery()
        sent = self._sent(self.mine).subquery()
        return union(
            found.join(sent, sent.c.id == Delivery.message_id),
            found.where(*self._got(self.mine)),
        ).subquery()

    def attempts(self) -> ColumnElement[bool]:
        """Pushes to gateways of theirs; those of others are others' business."""
        return and_(self._within(Attempt.id), self.among_mine(Attempt.recipient_id))

    def items(self) -> ColumnElement[bool]:
        """Work that these have made, are meant for, or have done; of any time."""
        if self.mine is None:
            return true()
        return or_(
            Item.creator_id.in_(self.mine),
            Item.assignee_id.in_(self.mine),
            Item.holder_id.in_(self.mine),
        )

    def _sent(self, mine: Select[UUID]) -> Select[UUID]:
        return select(Message.id).where(Message.sender_id.in_(mine), self._within(Message.id))

    def _got(self, mine: Select[UUID]) -> tuple[ColumnElement[bool], ...]:
        return (
            Delivery.recipient_id.in_(mine),
            self._within(Delivery.message_id),
            Delivery.state.not_in(TOMBSTONES),
        )

    def _within(self, key: _Ids) -> ColumnElement[bool]:
        return and_(key >= first_id_at(self.since), key < first_id_at(self.until))


def of_user(user_id: UUID) -> Select[UUID]:
    """A person and their agents, those that are deleted too."""
    return select(Agent.id).where(Agent.owner_id == user_id)


def of_agent(agent_id: UUID) -> Select[UUID]:
    return select(Agent.id).where(Agent.id == agent_id)
