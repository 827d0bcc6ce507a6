"""A copy of an embedded hub, made while it runs, and a hub made of such a copy."""
