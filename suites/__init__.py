"""The measuring: questions, grids, inputs, and the rooms that measure, judge and record."""

import moved  # noqa: F401  # old import paths
