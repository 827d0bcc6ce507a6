"""Reads a content in JSON, writes the PDF."""

import json
import os
import sys

from hubbub.reports.pages.layout import drawn

_BEHIND_OTHERS = 10

if __name__ == "__main__":
    os.nice(_BEHIND_OTHERS)
    sys.stdout.buffer.write(drawn(json.load(sys.stdin.buffer)))
