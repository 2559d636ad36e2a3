"""The error suite: accuracy on hard inputs, contracts, resolution."""
