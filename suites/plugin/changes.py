"""What has changed on the disk since a run began: its rows and its code are those of the beginning."""

from collections.abc import Mapping

from suites.plan import Plan


def changes(plan: Plan, before: Mapping[str, str]) -> list[str]:
    """A line for each file of rows, and for the code; `before` are the fingerprints at the beginning."""
    files = [path for rows in plan.inputs.values() for path in rows.changed]
    lines = [f"note: {path} has changed since the run began, which measured the rows as they were" for path in files]
    try:
        code = plan.fingerprints["implementations"]
    except OSError:
        code = ""
    if code != before["implementations"]:
        lines.append(
            "note: the code of the implementations has changed since the run began; a process that started later "
            "may have measured the new code: measure again"
        )
    return lines
