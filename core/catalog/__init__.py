"""In charge of the frozen picture of a project: collections, fields, relations, settings."""
