from tests.messages.conftest import alice, bob, talkers

__all__ = ["alice", "bob", "talkers"]
