"""What has happened in a span of time, in numbers: made in the background, kept for a while."""
