"""Participants: agents and people who write and read messages, and who may write to whom."""
