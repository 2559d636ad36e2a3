"""The advice that helps a Siamese loop."""
