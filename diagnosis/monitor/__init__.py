"""Watch embeddings in training: a warning when they collapse, since which step and why, and a curve."""

from diagnosis.monitor.collapse import Collapse, CollapseWarning
from diagnosis.monitor.hook import CollapseMonitor

__all__ = ["Collapse", "CollapseMonitor", "CollapseWarning"]
