"""The sections of a report. Each has one place for its numbers and its sentences."""
