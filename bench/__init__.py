"""In charge of showing what a request costs: `make bench`. Measures a server from outside; imports nothing of it."""
