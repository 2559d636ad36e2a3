"""Errors on hard inputs."""
