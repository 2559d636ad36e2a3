"""How wrong each implementation is."""
