"""Who is calling: sessions, tokens, API keys, invitations, and the people routes they guard."""
