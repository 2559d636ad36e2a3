"""Whether two sessions measure the same, as all sessions of one run must; the differences in words."""

import dataclasses
from collections.abc import Mapping

from suites.records import budget
from suites.records.record import Run

_CONTENTS = {  # of `Run.fingerprints`
    "grid": "the cases (--grid, --dtypes, --inputs, --queries, --corpus, --k)",
    "inputs": "the rows in the files of --inputs, --queries and --corpus",
    "implementations": "the code in implementations/ or --implementations-from",
    "uncommitted changes": "the uncommitted changes of this checkout",
}
_LONG = 60


def differences(old: Run, new: Run) -> list[str]:
    """What the two measure differently, each with its option. Of a grid the content counts, not its file's name."""
    names = [*dict.fromkeys((*old.fingerprints, *new.fingerprints))]
    other = [name for name in names if old.fingerprints.get(name) != new.fingerprints.get(name)]
    contents = [_content(name, old, new) for name in other]
    before, now = _values(old), _values(new)
    keys = [key for key in before | now if before.get(key) != now.get(key)]
    return [*contents, *(f"{key}: {_shown(before.get(key))}, now {_shown(now.get(key))}" for key in keys)]


def _content(name: str, old: Run, new: Run) -> str:
    what = _CONTENTS.get(name, f"the {name}")
    if name == "grid" and old.grid != new.grid:
        return f"{what}: of the grid {old.grid}, now of {new.grid}"
    if name not in new.fingerprints or name not in old.fingerprints:
        return f"{what}: {'none now' if name in old.fingerprints else 'none before'}"
    return f"{what}: changed since"


def _values(run: Run) -> dict[str, object]:
    environment = dataclasses.asdict(run.environment)
    del environment["dirty"]  # a fingerprint says more
    packages = {f"the package {name}": version for name, version in environment.pop("packages").items()}
    return {
        "--inputs": run.inputs,
        "--baseline": run.baseline,
        "--error-budget": budget.spelt(run.error_budget),
        "--precision": "" if run.precision is None else f"{run.precision * 100:g} %",
        "--seconds": "" if run.seconds is None else f"{run.seconds:g}",
        "--processes": run.processes,
        **{f"the {name.replace('_', ' ')}": value for name, value in environment.items()},
        **packages,
    }


def _shown(value: object) -> str:
    """A value in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(part)}" for key, part in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value)) or "none"
    text = "none" if value in (None, "") else str(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}..."
