"""What can be done with items."""
