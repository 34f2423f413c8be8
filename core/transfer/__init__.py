"""In charge of items that leave as files and come in as files: their forms and their streams. No HTTP, no SQL."""
