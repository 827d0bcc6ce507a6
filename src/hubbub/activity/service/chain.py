"""What a link of the chain is: the hash of the link before it and of all that the act says."""

import json
from hashlib import sha256

from hubbub.activity.models import Activity

BEGINNING = "0" * 64
"""What the first link follows."""


def link(previous: str, act: Activity) -> str:
    return sha256(f"{previous}\n{_written(act)}".encode()).hexdigest()


def _written(act: Activity) -> str:
    """The same text for the same act for ever, on both databases; only ASCII, so that it can be
    made of whatever was stored."""
    said = [
        *(str(act.id), act.at.isoformat(timespec="microseconds")),
        *(act.actor_id and str(act.actor_id), act.action),
        *(act.target_kind, act.target_id and str(act.target_id)),
        *(act.request_id, act.address, act.details),
    ]
    return json.dumps(said, sort_keys=True, separators=(",", ":"))
