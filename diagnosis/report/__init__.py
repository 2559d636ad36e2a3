"""A diagnosis as a page with pictures."""

from diagnosis.report.page import write_report

__all__ = ["write_report"]
