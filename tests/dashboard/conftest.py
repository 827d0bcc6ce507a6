from tests.messages.conftest import alice, bob, talkers
from tests.realtime.conftest import dial, served

__all__ = ["alice", "bob", "dial", "served", "talkers"]
