"""The answer of a run as a few lines of Markdown, to paste into a pull request."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from reports.decided import decided
from reports.markdown import filled
from reports.publish import PUBLISHED
from reports.sections.contracts import drop_ins
from reports.sections.speed import references, samples, sureness
from reports.sections.speed.by_shape import FASTEST, NONE, on_page
from reports.sections.speed.by_winner import by_winner
from reports.sections.speed.decision import Decision
from results import ROOT, Run, load_end, load_run
from results.references import FASTEST as WITHOUT

UNTESTED = "Rows of zeros, NaN and infinity were not tested; `pytest suites/test_errors.py` tests them."
ROOM = 5
"""How many lines the answer may take; one of more has a line for each winner instead."""
ALIKE = "Rows of zeros, NaN and infinity: the same answers as the baseline's."


def pull_request(
    run: str = "latest",
    *,
    baseline: str = "",
    budget: Mapping[str, float] | None = None,
    root: Path = ROOT,
    published: Path = PUBLISHED,
) -> str:
    """The answer by shape, the winners' code, the machine, the command and what to beware of.

    Pictures are named if the run is published in the folder `published`. `baseline` and `budget` are those of
    `reports.render`.

    Raises:
        UnknownRun: there is no such run.
        UnknownBaseline: the run has no time of `baseline`.
        ValueError: the file does not hold a run, or no speed was measured.
    """
    head, records, limits, answered, ranked, decision = decided(run, baseline, budget or {}, root)
    if not (records["status"] == "ok").any():
        raise ValueError(f"the run {head.name} has no times; {_why(records)}")
    baselines = {*records.loc[records["baseline"], "implementation"]}
    won = [name for name in decision.rows[FASTEST].unique() if name != NONE]
    chosen = [name for name in won if name not in baselines or (records["reference_why"] == WITHOUT).all()]
    compared = {*won, *baselines} <= {*answered["implementation"]} and {*won} - baselines
    alike = ALIKE if compared else "" if answered["implementation"].isin(won).any() else UNTESTED
    values = {
        "run": head,
        "commit": head.environment.commit[:7],
        "end": load_end(run, root),
        "machine": head.environment.gpu or head.environment.cpu,
        "disturbed": sureness.disturbed(ranked.table),
        **_answer(decision),
        "sureness": [
            *samples.said(ranked.table, ranked.standings),
            *references.said(ranked.table),
            *sureness.sureness(ranked.table),
        ],
        "budgets": sureness.budgets(limits, {*ranked.table["dtype"]}),
        "drop_ins": drop_ins.brief(decision.changes) or [alike] * bool(alike),
        "folder": _folder(published, head),
        "sources": {name: head.sources[name] for name in chosen if head.sources.get(name)},
        "unsaved": [name for name in chosen if not head.sources.get(name)],
    }
    return filled("pull_request.md.j2", values).rstrip()


def _why(records: pd.DataFrame) -> str:
    """Why a run has no times, and what to do."""
    statuses = records["status"].value_counts()
    if statuses.empty:
        return "--pr needs a run of `pytest suites` with cases"
    counts = ", ".join(f"{count:,} {str(status).replace('_', ' ')}" for status, count in statuses.items())
    return f"of its records {counts}, such as: {records['reason'].iloc[0]}"


def _answer(decision: Decision) -> dict[str, object]:
    """The table of at most four rows and comparisons of what did not win, if there is room; else the winners."""
    versus = references.versus(decision.others)
    if len(decision.rows) >= ROOM:
        return {"answers": None, "lines": by_winner(decision.shapes)}
    return {"answers": on_page(decision.rows), "lines": versus if len(decision.rows) + len(versus) <= ROOM else []}


def _folder(published: Path, run: Run) -> str:
    """The folder of a published run; "" for one that is not, though one of its name may be."""
    started = ((path, load_run(str(path)).started) for path in published.glob(f"*/{run.name}.jsonl"))
    return next((f"reports/published/{path.parent.name}/" for path, when in started if when == run.started), "")
