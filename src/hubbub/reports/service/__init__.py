"""The use cases of reports, one module each."""
