"""The hub and a real OpenClaw gateway, from the sender to the model and back. `make check` runs
these where npm brings the gateway."""
