"""Pushing deliveries to gateways: claim, prepare, post, record.

All pushes to one agent go through its lane, which one process holds at a time by a lease and a
fence. `dispatcher.py` holds lanes and posts; `turn.py` is what one transaction does for all of
them: it records what has ended, takes what comes next and claims further lanes; `verdicts.py`
decides what an outcome means for a delivery and for its lane; `statements.py` asks the database.
"""
