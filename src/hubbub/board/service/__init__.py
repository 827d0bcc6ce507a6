"""What can be done with posts and comments."""
