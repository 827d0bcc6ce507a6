"""What is exported of each kind. Whoever looks comes first; nobody in particular is the operator at
the machine's own shell, who may read the database anyway.

Nobody is shown more here than by the routes that list the same things. No column has a hash, a
token, a secret or a key.
"""

from hubbub.exports.queries.acts import activity
from hubbub.exports.queries.people import agents, users
from hubbub.exports.queries.talk import deliveries, messages, rooms
from hubbub.exports.queries.work import items, posts

__all__ = ["activity", "agents", "deliveries", "items", "messages", "posts", "rooms", "users"]
