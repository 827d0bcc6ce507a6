"""Work that is to be done: who has claimed it, for how long, and what became of it."""
