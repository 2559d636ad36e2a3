"""What a diagnosis says: causes in order, each with its evidence and with what would be different without it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

Verdict = Literal["healthy", "cause", "unknown"]
Value = float | int | str | bool | None


@dataclass(frozen=True, kw_only=True)
class Counterfactual:
    """A probe: what was changed, and how the symptom changed with it.

    `change` is what was done ("centre", "clone", "swap train and eval", …), `symptom` the figure that was looked at.
    `flips` says that it was a symptom before, and is none after.
    """

    change: str
    symptom: str
    before: float
    after: float
    flips: bool


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One cause, by its identifier in `diagnosis.remedies.REMEDIES`, and `confidence` in it from 0 to 1.

    `evidence` maps the figures that tell it to what was seen. `counterfactual` is None where nothing that is at hand
    could be changed; `remedy` is what to do, with the code to try.
    """

    name: str
    confidence: float
    evidence: Mapping[str, Value]
    counterfactual: Counterfactual | None
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """The verdict, the causes (the likeliest first), and what they were told from; `print` shows it as text.

    `symptoms` are the figures that are out of order, by name, `signature` all figures of the embeddings. "unknown" is
    a symptom that none of the known causes explains.
    """

    verdict: Verdict
    causes: tuple[Cause, ...] = ()
    symptoms: Mapping[str, float] = field(default_factory=dict)
    signature: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        from diagnosis.wording import lines

        return "\n".join(text for text, _ in lines(self))

    def to_dict(self) -> dict[str, object]:
        """The plain form that `--json` prints."""
        causes = [
            asdict(cause) | {"counterfactual": asdict(cause.counterfactual) if cause.counterfactual else {}}
            for cause in self.causes
        ]
        symptoms = {"symptoms": "; ".join(f"{name}: {value:.3g}" for name, value in self.symptoms.items())}
        return {"verdict": self.verdict, "causes": causes, "signature": symptoms | dict(self.signature)}
