"""Watching embeddings while they are trained: a warning when they collapse, since when and by what, and a curve."""

from diagnosis.monitor.collapse import Collapse, CollapseWarning
from diagnosis.monitor.hook import CollapseMonitor

__all__ = ["Collapse", "CollapseMonitor", "CollapseWarning"]
