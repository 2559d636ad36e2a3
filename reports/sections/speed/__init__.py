"""How fast each implementation is."""
