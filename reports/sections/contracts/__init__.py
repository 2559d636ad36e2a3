"""The answers of each implementation at the edges, and where it is not a drop-in."""
