"""The suites: tests, grids, inputs, and the folders that measure, check and record."""

import moved  # noqa: F401  # old import paths
