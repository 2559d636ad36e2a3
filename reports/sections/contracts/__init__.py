"""What each implementation does at the edges, and where it is no drop-in."""
