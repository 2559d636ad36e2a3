"""The error suite: each implementation on inputs that hurt, its contract, its resolution."""
