"""In charge of turning plans and changes into SQL text per dialect, by SQLAlchemy Core. Pure; knows no permissions."""
