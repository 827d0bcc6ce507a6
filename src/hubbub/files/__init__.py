"""Files: taken in as they come, kept apart from the database, seen by whom they are shown to."""
