from tests.items.conftest import ann
from tests.messages.conftest import alice, bob, talkers

__all__ = ["alice", "ann", "bob", "talkers"]
