"""People: who they are and what they may do. Their credentials are in `auth`."""
