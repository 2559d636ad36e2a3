"""What a session says before it measures: what it takes, what it leaves out and why, and for how long."""

import textwrap
from collections.abc import Collection, Mapping

from suites.plan import Plan
from suites.plugin.estimate import planned_s
from suites.plugin.progress import duration
from suites.records import budget
from suites.records.finding import Key
from suites.session import Session
from suites.words import by_reason, counted, listed

_ABOUT = {"contract": "contracts", "resolution": "resolution", "known_bugs": "known bugs", "always_one": "trainings"}
_NAMED = 2  # absent implementations, with the reason of each: more of them take one line


def announcement(
    session: Session, findings: Collection[Key], absent: Mapping[str, str], width: int | None = None
) -> list[str]:
    """The lines, a label and a sentence each.

    Args:
        session: what pytest selected, and what of it a resumed run holds.
        findings: those to make.
        absent: implementations that cannot run here, with the reason.
        width: columns of the terminal, in which a sentence goes on under its start; None for a file: lines are whole.
    """
    plan = session.plan
    lines = [
        ("measured", _measured(session)),
        *([("against", _against(plan))] if plan.baseline else []),
        *([("budget", f"an error of {budget.rounded(plan.error_budget)}")] if plan.error_budget else []),
        ("sampling", _sampling(plan)),
        *(("rows", rows.description(session.selected)) for rows in plan.inputs.values()),
        *(("rows", text) for text in plan.capped),
        *([("findings", _findings(findings))] if findings else []),
        *(("left out", text) for text in by_reason(plan.left_out)),
        *(("absent", text) for text in _absent(absent)),
        ("time", f"about {duration(planned_s(plan, session.left, findings))}"),
    ]
    indent = max(len(label) for label, _ in lines) + 2
    return [line for label, text in lines for line in _folded(f"{label:{indent}}", text, width)]


def _folded(label: str, text: str, width: int | None) -> list[str]:
    if width is None:
        return [label + text]
    width = max(width, 2 * len(label))  # a narrow terminal folds it again
    return textwrap.wrap(text, width, initial_indent=label, subsequent_indent=" " * len(label), break_on_hyphens=False)


def _measured(session: Session) -> str:
    cases = session.selected
    names = {name for contestants in cases.values() for name in contestants}
    said = f"grid {session.plan.grid.name}: {counted(len(cases), 'case')} on {listed(session.plan.devices)}"
    if cases:
        tasks, dtypes = ({getattr(case, axis): 0 for case in cases} for axis in ("task", "dtype"))
        said += f", {listed(map(_words, tasks))} in {listed(dtypes)}, {counted(len(names), 'implementation')}"
    done = len(cases) - len(session.left)
    return f"{said}; {counted(done, 'case')} done already" if done else said


def _against(plan: Plan) -> str:
    if len(plan.implementations) == 1:
        return f"{plan.baseline}, the only implementation: nothing is compared with it"
    return f"{plan.baseline}, measured as well"


def _sampling(plan: Plan) -> str:
    percent, seconds = f"{plan.grid.precision * 100:.3g} %", f"{plan.grid.seconds:g} s"
    said = f"each ratio to ± {percent}, at most {seconds} per implementation"
    return f"{said}, over {plan.processes} processes" if plan.processes > 1 else said


def _findings(findings: Collection[Key]) -> str:
    families = {one.name for one in findings if one.question == "accuracy"}
    questions = {one.question for one in findings}
    about = {"accuracy": f"errors on {counted(len(families), 'family', 'families')} of hard inputs", **_ABOUT}
    return f"{counted(len(findings), 'result')} about {listed(about[one] for one in about if one in questions)}"


def _absent(absent: Mapping[str, str]) -> list[str]:
    if len(absent) <= _NAMED:
        return [f"{name}: {reason}" for name, reason in absent.items()]
    return [f"{listed(absent)}; --implementations NAME says why"]


def _words(name: str) -> str:
    return name.replace("_", " ")
