"""A suspect: how to detect one cause, and how to undo it to see whether the symptom disappears."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from diagnosis.probes.vectors import centred
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.verdict import Value


@dataclass(frozen=True, kw_only=True)
class Clue:
    """The evidence for a cause in one subject.

    `confidence` is from 0 to 1, before the probe. `repair` returns the subject without the cause; None if it can't be
    undone. `change` names the repair in a few words.
    """

    confidence: float
    evidence: Mapping[str, Value]
    change: str = ""
    repair: Callable[[], Subject] | None = None

    @classmethod
    def by_centring(
        cls, subject: Subject, confidence: float, evidence: Mapping[str, Value], change: str = "centre"
    ) -> "Clue":
        """A clue for a cause that centring undoes."""
        return cls(confidence=confidence, evidence=evidence, change=change, repair=lambda: centred(subject))


@dataclass(frozen=True)
class Suspect:
    """A cause by its identifier, and its detector, which returns None without evidence."""

    name: str
    look: Callable[[Subject, Signature], Clue | None]
