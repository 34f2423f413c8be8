"""In charge of turning one GraphQL field into one call on core's doors. No HTTP, no SQL, no schema building."""
