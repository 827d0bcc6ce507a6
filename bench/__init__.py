"""Measurements, printed as ratios of what was measured in one run. `make bench` runs them."""
