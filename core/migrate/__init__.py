"""In charge of making a database a project's, and of leaving it again: system tables, first rows, later additions."""
