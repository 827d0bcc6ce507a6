"""The hub among the things that it speaks with, as real as they come."""
