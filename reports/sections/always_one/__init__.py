"""Which advice helps a Siamese loop."""
