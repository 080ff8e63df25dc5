"""What the server answers: one kind of thing a file."""
