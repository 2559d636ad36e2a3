"""The error suite: accuracy on inputs that hurt, contracts, resolution."""
