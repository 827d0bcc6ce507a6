"""What can be done with agents, one file for each use case."""
