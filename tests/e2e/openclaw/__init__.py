"""What a real OpenClaw gateway answers. Run by `make test-openclaw`; see `gateway.py`."""
