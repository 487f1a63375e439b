"""What a model reads of a prompt: its template and tokens, and the text encoder's states."""
