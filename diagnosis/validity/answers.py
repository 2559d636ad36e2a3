"""What is said of a case, and the file that the answers are kept in as they come."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import torch

from diagnosis.examine import examine
from diagnosis.subject import DiagnosisError, Subject
from diagnosis.validity.cases import Case, subject
from diagnosis.validity.rivals import RIVALS

REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the diagnosis and its rivals say of one case.

    `verdict` is the diagnosis's or "refused"; `named` its causes in order and `flips` whether the first one's probe
    flips the symptom; `rivals` each rival's figure. Seconds are the processor's, which a busy machine leaves as they
    are: `seconds` of the diagnosis alone, `work_s` with the case's making.
    """

    case: Case
    verdict: str
    named: tuple[str, ...]
    flips: bool
    rivals: Mapping[str, float]
    seconds: float
    work_s: float


def ask(case: Case) -> Answer:
    """Make the case, and have it diagnosed."""
    begin = process_time()
    asked = subject(case)
    start = process_time()
    verdict, named, flips = _diagnosed(asked, case)
    seconds = process_time() - start
    rivals = {name: figure(asked) for name, figure in RIVALS.items()}
    return Answer(
        case=case,
        verdict=verdict,
        named=named,
        flips=flips,
        rivals=rivals,
        seconds=seconds,
        work_s=process_time() - begin,
    )


def _diagnosed(asked: Subject, case: Case) -> tuple[str, tuple[str, ...], bool]:
    try:
        diagnosis = examine(asked)
    except DiagnosisError:
        return REFUSED, (), False
    except Exception as error:
        error.add_note(f"in the diagnosis of {case}")
        raise
    first = diagnosis.causes[0].counterfactual if diagnosis.causes else None
    return diagnosis.verdict, tuple(cause.name for cause in diagnosis.causes), first is not None and first.flips


class Kept:
    """All answers, and the file of JSON lines that they are added to as they come; None keeps nothing.

    Raises:
        SystemExit: the file holds what another torch, or other code, said.
    """

    def __init__(self, file: Path | None) -> None:
        self._file, self._made_by = file, f"torch {torch.__version__} and code {_digest()}"
        self.answers: list[Answer] = []
        for row in map(json.loads, _whole_lines(file) if file and file.exists() else ()):
            if (other := row.pop("made_by")) != self._made_by:
                raise SystemExit(f"{file} holds answers of {other}, not {self._made_by}; name another file")
            row["case"], row["named"] = Case(*row["case"]), tuple(row["named"])
            self.answers.append(Answer(**row))

    def add(self, answer: Answer) -> None:
        """Keep one more."""
        self.answers.append(answer)
        if self._file:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"made_by": self._made_by} | dataclasses.asdict(answer)) + "\n")


def _digest() -> str:
    """Of the room's code, but for what only shows the answers of the experiment."""
    room = Path(__file__).parents[1]
    shown = (room / "validity" / name for name in ("__main__.py", "page.py", "rates.py", "picture.py"))
    files = sorted(set(room.rglob("*.py")) - set(shown))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _whole_lines(file: Path) -> list[str]:
    """The file's lines. A kill leaves half a line, which is cut off."""
    whole, half = file.read_text(encoding="utf-8").rpartition("\n")[::2]
    if half:
        file.write_text(f"{whole}\n" if whole else "", encoding="utf-8")
    return whole.splitlines()
