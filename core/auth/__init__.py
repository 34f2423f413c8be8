"""In charge of who calls: credentials, tokens, login, sessions, passwords. What a role may do is decided elsewhere."""
