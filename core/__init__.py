"""In charge of everything that is true without GraphQL and HTTP. Imports neither."""
