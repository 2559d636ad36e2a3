"""A suspect: how one cause is told, and how it is undone to see whether the symptom goes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.verdict import Value


@dataclass(frozen=True, kw_only=True)
class Clue:
    """What speaks for a cause in one subject.

    `confidence` is from 0 to 1, before the probe. `repair` undoes the cause: it returns the subject as it would be
    without it, whose symptom is compared; None where nothing that is at hand can be changed. `change` names what it
    does in a word or two.
    """

    confidence: float
    evidence: Mapping[str, Value]
    change: str = ""
    repair: Callable[[], Subject] | None = None


@dataclass(frozen=True)
class Suspect:
    """A cause by its identifier, and what looks for it: None where nothing speaks for it."""

    name: str
    look: Callable[[Subject, Signature], Clue | None]
