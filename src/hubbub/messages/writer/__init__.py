"""Group commit: what many requests send at the same moment is stored in one transaction.

`queue.py` collects drafts and wakes their requests again; `batch.py` is what a batch does, as a
generator of statements that knows neither database nor thread; `sqlite.py` and `postgresql.py` run
it. An answer is given only after the commit.
"""
