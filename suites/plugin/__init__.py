"""The pytest side: options, pytest-benchmark, cases and findings as tests, progress and the answer."""
