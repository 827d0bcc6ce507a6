"""Use cases of rooms. All that changes who is in a room holds the lock on its row."""
