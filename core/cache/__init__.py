"""In charge of what is remembered between requests, always within bounds."""
