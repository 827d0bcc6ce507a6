"""The use cases of files, one module each."""
