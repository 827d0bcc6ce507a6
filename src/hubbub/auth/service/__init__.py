"""The use cases, one file each. Passwords are hashed before the first statement of a session: it
takes its turn at writing only then, so nobody waits for a hash."""
