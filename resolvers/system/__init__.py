"""In charge of the named operations of the fixed part of the schema, one module per noun."""
