"""Who may come in: access tokens, sessions, rate limits."""
