"""Access control: access tokens, sessions, rate limits."""
