"""What a session says where nothing is selected: which word is at fault, and the names that the plan has."""

import re
from collections.abc import Iterable

from nearest import did_you_mean, some_of
from suites.plan import Plan

_OPERATORS = ("and", "or", "not")


def nothing_selected(plan: Plan, keyword: str) -> list[str]:
    """The lines, a label and a sentence each.

    Args:
        plan: its names can be selected.
        keyword: the expression of -k; "" without it.
    """
    names, where = _names(plan), f"-k {keyword!r}" if keyword else "this selection"
    said = [_at_fault(word, names) for word in _words(keyword) if not _is_known(word, plan)]
    if not said and keyword:
        said = ["each word is in some name, and no name fits the whole expression"]
    lines = [("nothing", f"{where} has no case and no result of the error suite{''.join(f'; {one}' for one in said)}")]
    typed = " ".join(_words(keyword))
    lines += [(kind, some_of(known, near_to=typed)) for kind, known in names.items() if known]
    lines += [("left out", f"{task}: {why}") for task, why in plan.left_out.items()]
    indent = max(len(label) for label, _ in lines) + 2
    return [f"{label:{indent}}{text}" for label, text in lines]


def _names(plan: Plan) -> dict[str, list[str]]:
    """What a -k may name, by kind."""
    cases = plan.cases
    return {
        "tasks": _each(case.task for case in cases),
        "dtypes": _each(case.dtype for case in cases),
        "shapes": _each("x".join(map(str, case.shape)) for case in cases),
        "implementations": [entry.name for entry in plan.implementations],
        "families": list(plan.grid.families),
    }


def _each(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _words(keyword: str) -> list[str]:
    return [word for word in re.findall(r"[^\s()]+", keyword) if word not in _OPERATORS]


def _is_known(word: str, plan: Plan) -> bool:
    """Whether the name of a test holds the word, as pytest compares them."""
    ids = (f"test_{task}[{'-'.join(key)}]" for task in {case.task for case in plan.cases} for key in plan.keys(task))
    others = ("test_errors", "contract", "resolution", "accuracy", "known_bugs", *plan.grid.families)
    return any(word.casefold() in one.casefold() for one in (*ids, *others))


def _at_fault(word: str, names: dict[str, list[str]]) -> str:
    near = did_you_mean(word, [name for known in names.values() for name in known]).partition(" known: ")[0]
    return f"no name holds {word!r}{near.rstrip(';')}"
