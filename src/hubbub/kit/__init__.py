"""What every domain stands on. The kit knows no domain."""
