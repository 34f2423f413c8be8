"""In charge of reading as data: selections, predicates, plans and their shaping. Pure: no I/O, no clock, no SQL."""
