"""In charge of SCIM 2.0: users and roles as RFC 7643 shows them, requests as RFC 7644 means them (spec 02 §14).

Everything goes through the engine, so rights, history and hooks are those of users and roles; no HTTP, no SQL here.
"""
