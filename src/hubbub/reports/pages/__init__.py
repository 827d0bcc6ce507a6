"""Drawing a report as a PDF. Runs in a process of its own, so it imports nothing of the hub, and
the hub nothing of it."""
