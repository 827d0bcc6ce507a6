"""Pushing to gateways: what one push sends, and what its answer means."""
