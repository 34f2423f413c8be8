"""In charge of turning plans and changes into SQL text per dialect, through SQLAlchemy Core. Pure; knows no permissions."""
