"""Reads a content in JSON, writes the PDF."""

import json
import sys

from hubbub.reports.pages.layout import drawn

if __name__ == "__main__":
    sys.stdout.buffer.write(drawn(json.load(sys.stdin.buffer)))
