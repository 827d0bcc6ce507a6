"""The whole hub as one file, and an empty hub filled from it."""
