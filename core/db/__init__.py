"""In charge of the database: the gateway to it, its errors, the unit of work. Knows no collection and no permission."""
