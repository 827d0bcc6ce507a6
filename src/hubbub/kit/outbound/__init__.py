"""Calling servers that somebody else has named: where the hub may connect to, and where never."""
