"""The kinds of gateways behind one pair of functions."""

from collections.abc import Mapping
from typing import Protocol

from hubbub.agents.types import GatewayKind
from hubbub.messages.delivery import chat, openclaw, webhook
from hubbub.messages.delivery.types import Answer, NoAnswer, Outcome, Push, Request
from hubbub.settings import GatewaySettings


class Adapter(Protocol):
    """What the module of one kind brings."""

    def prepare(self, push: Push, settings: GatewaySettings) -> Request: ...

    def outcome_of(self, push: Push, answer: Answer | NoAnswer) -> Outcome: ...


ADAPTERS: Mapping[GatewayKind, Adapter] = {
    GatewayKind.OPENCLAW: openclaw,
    GatewayKind.OPENCLAW_CHAT: chat,
    GatewayKind.WEBHOOK: webhook,
}


def prepare(push: Push, settings: GatewaySettings) -> Request:
    return ADAPTERS[push.target.kind].prepare(push, settings)


def outcome_of(push: Push, answer: Answer | NoAnswer) -> Outcome:
    return ADAPTERS[push.target.kind].outcome_of(push, answer)
