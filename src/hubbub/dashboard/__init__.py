"""The hub at a glance."""
