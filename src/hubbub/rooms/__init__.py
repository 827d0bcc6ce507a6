"""Rooms: who is in them, and who may come in. What is said there is for the messages."""
