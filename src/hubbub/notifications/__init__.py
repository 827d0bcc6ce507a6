"""What a person should know, kept until it is read."""
