"""Messages, their deliveries, and the inboxes these make up."""
