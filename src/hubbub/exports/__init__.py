"""What the hub holds, as files: one kind of thing as a table, or the whole hub."""
