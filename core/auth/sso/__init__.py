"""In charge of signing in elsewhere (spec 02 §7): by OAuth 2, OpenID Connect or OAuth 1.0a, at configured providers."""
