"""What pytest sees: options, the front door, cases and findings as tests, progress."""
