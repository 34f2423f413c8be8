"""In charge of files: their bytes in a storage, what is read from them, and what of it is stored in their rows.

`storage.py` holds bytes under names and knows nothing of rows. It must not decide who may do what.
"""
