"""Sockets and event streams: one cursor behind all of them.

`streams.py` reads what is stored, `follower.py` brings a reader each entry once and in order,
`outlets.py` writes it as the transport at hand wants it.
"""
