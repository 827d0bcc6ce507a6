"""The hub's own work, as admins see it."""
