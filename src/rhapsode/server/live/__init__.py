"""Live sessions of the server: who may have one, and of what."""
