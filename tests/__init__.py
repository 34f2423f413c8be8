"""In charge of holding the test suite together as one package; no test lives here."""
