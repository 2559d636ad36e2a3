"""The answers so far, in memory and in the file that a later call resumes from."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import torch

from diagnosis.validity.answers import PlantedResult
from diagnosis.validity.cases import PlantedCase
from suites.kept import KeptRows


class KeptAnswers:
    """All answers, and the file of JSON lines that each is appended to; None keeps nothing.

    Raises:
        SystemExit: the file holds something else, or was made with another torch or other code.
    """

    def __init__(self, file: Path | None) -> None:
        made_by = f"torch {torch.__version__} and code {_digest()}"
        self._kept = KeptRows(file, "made_by", made_by, what="answers", parse=_answer)
        self.answers = list(map(_answer, self._kept.rows))

    def add(self, answer: PlantedResult) -> None:
        """Keep one more."""
        self.answers.append(answer)
        row = dataclasses.asdict(answer)
        row["rivals"] = row.pop("baselines")  # their key in the file
        self._kept.add([row])


def _answer(row: dict[str, Any]) -> PlantedResult:
    given = {name: value for name, value in row.items() if name not in ("case", "named", "rivals")}
    return PlantedResult(case=PlantedCase(*row["case"]), named=tuple(row["named"]), baselines=row["rivals"], **given)


def _digest() -> str:
    """A digest of the room's code, without the modules that only show the answers."""
    room = Path(__file__).parents[1]
    shown = (room / "validity" / name for name in ("__main__.py", "page.py", "rates.py", "picture.py"))
    files = sorted(set(room.rglob("*.py")) - set(shown))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
