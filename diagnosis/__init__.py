"""Why is my cosine similarity always 1? `diagnose` names the causes, with evidence and remedies."""

import moved  # noqa: F401  # old import paths
from diagnosis.diagnose import diagnose
from diagnosis.monitor import CollapseMonitor, CollapseWarning
from diagnosis.subject import DiagnosisError
from diagnosis.verdict import Cause, Counterfactual, Diagnosis

__all__ = ["Cause", "CollapseMonitor", "CollapseWarning", "Counterfactual", "Diagnosis", "DiagnosisError", "diagnose"]
