"""In charge of what the server tells about itself: logs. It must not tell secrets or what clients sent."""
