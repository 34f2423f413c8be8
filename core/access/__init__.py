"""In charge of who may do what: policies, and plans and changes rewritten by them. Pure but for loading the rows."""
