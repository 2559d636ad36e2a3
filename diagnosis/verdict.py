"""What a diagnosis says: causes in order, each with its evidence and with what would be different without it."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from diagnosis.remedies import CAUSES
from diagnosis.subject import Subject

Verdict = Literal["healthy", "cause", "unknown"]
Value = float | int | str | bool | None
Line = tuple[str, str]
"""Text, and its role."""

ALWAYS = 0.95  # healthy encoders of low temperature lie in 0.7 to 1, fine-grained data at 0.9: they still leave room
_SURENESS = ((0.95, "almost certain"), (0.8, "very likely"), (0.5, "likely"), (0.0, "possible"))

NEXT = (
    "Give it more to look at: both sides of the pairs, --labels, the raw --inputs; or, in Python, the model, its "
    "loader and its loss: diagnosis.diagnose(model=..., loader=..., loss=...). If the rows themselves are told apart "
    "(mean cosine below), look at the function that compares them, and at which rows it is handed."
)
"""What helps where no cause could be named."""

NAMES = (
    "In the code x and y are the embeddings that are compared, [N, D], reference those of many unrelated inputs (x "
    "where there are no others), and model what makes them; F is torch.nn.functional, nn is torch.nn."
)
"""What the names in a remedy's code stand for."""

HIGH = 0.7
"""A mean cosine from which on it is said what centring would make of it."""

WIDEST = 100


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
    a symptom that none of the known causes explains. `repaired` is a sample of the embeddings after the changes in
    `tried`, which undo the causes; None where nothing could be undone.
    """

    verdict: Verdict
    causes: tuple[Cause, ...] = ()
    symptoms: Mapping[str, float] = field(default_factory=dict)
    signature: Mapping[str, Value] = field(default_factory=dict)
    tried: tuple[str, ...] = ()
    repaired: Subject | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return "\n".join(text for text, _ in lines(self))

    def to_dict(self) -> dict[str, object]:
        """The plain form that `--json` prints."""
        causes = [
            asdict(cause) | {"counterfactual": asdict(cause.counterfactual) if cause.counterfactual else {}}
            for cause in self.causes
        ]
        symptoms = {"symptoms": "; ".join(f"{name}: {value:.3g}" for name, value in self.symptoms.items())}
        return {"verdict": self.verdict, "causes": causes, "signature": symptoms | dict(self.signature)}


def headline(diagnosis: Diagnosis) -> str:
    """The verdict in one line, with the figures that it rests on."""
    if diagnosis.verdict == "healthy":
        return f"Healthy{_margin(diagnosis.signature)}."
    if diagnosis.verdict == "unknown":
        said = "; ".join(f"{words(name)}: {figure(value)}" for name, value in diagnosis.symptoms.items())
        return f"Not healthy ({said}), and none of the {len(CAUSES)} known causes explains it."
    return f"Not healthy: {' and '.join(cause.name for cause in diagnosis.causes)}."


def _margin(signature: Mapping[str, Value]) -> str:
    """How far the cosines of a healthy set are from "always 1", and what centring would make of high ones."""
    cosine, centred = signature.get("shuffled_cosine"), signature.get("centred_mean_cosine")
    cosine = signature.get("mean_cosine") if cosine is None else cosine
    if not isinstance(cosine, float):
        return ""
    said = f': the mean cosine of unrelated rows is {figure(cosine)}, and "always 1" begins at {ALWAYS}'
    if cosine < HIGH or not isinstance(centred, float):
        return said
    return f"{said}; without the mean row, which lifts all of them alike, it would be {figure(round(centred, 3) + 0.0)}"


def lines(diagnosis: Diagnosis, width: int = WIDEST) -> Iterator[Line]:
    """The whole diagnosis, block by block, each with its role: the verdict, "title", "text" or "code"."""
    yield textwrap.fill(headline(diagnosis), width), diagnosis.verdict
    if diagnosis.verdict == "unknown":
        yield textwrap.fill(NEXT, width), "text"
    for number, cause in enumerate(diagnosis.causes, 1):
        yield f"\n{number}. {cause.name}: {sureness(cause.confidence)}", "title"
        yield from _about(cause, width)
    if diagnosis.causes:
        yield "\n" + textwrap.fill(NAMES, width), "text"
    yield "\nThe figures", "title"
    shown = figures(diagnosis.signature)
    longest = max((len(name) for name, _ in shown), default=0)
    yield from ((f"   {name:{longest}}  {value}", "text") for name, value in shown)


def _about(cause: Cause, width: int) -> Iterator[Line]:
    """What was seen, what would be without the cause, what to do, the code."""
    prose, _, code = cause.remedy.partition("```python\n")
    probe = cause.counterfactual
    said = [f"Seen: {facts(cause.evidence)}.", f"If it were not so: {otherwise(probe)}." if probe else "", prose]
    for text in filter(None, said):
        yield textwrap.fill(text, width, initial_indent=" " * 3, subsequent_indent=" " * 3), "text"
    yield "", "text"
    yield textwrap.indent(code.removesuffix("```").rstrip(), " " * 6), "code"


def sureness(confidence: float) -> str:
    """A confidence from 0 to 1 in words, with the number."""
    word = next(word for least, word in _SURENESS if confidence >= least)
    return f"{word} ({confidence:.2f})"


def facts(evidence: Mapping[str, Value]) -> str:
    """Evidence in one line."""
    return "; ".join(f"{words(name)}: {figure(value)}" for name, value in evidence.items())


def figures(signature: Mapping[str, Value]) -> list[tuple[str, str]]:
    """A name and a text for each figure that is known, with its 95 % interval if it was estimated on a sample."""
    ends = {f"{name}_{end}" for name in signature for end in ("from", "to")}
    shown = []
    for name, value in signature.items():
        if name in ends or value is None:
            continue
        between = [figure(signature[f"{name}_{end}"]) for end in ("from", "to") if f"{name}_{end}" in signature]
        shown.append((words(name), figure(value) + (f" ({' to '.join(between)})" if between else "")))
    return shown


def otherwise(probe: Counterfactual) -> str:
    """What a probe changed, and what became of the symptom."""
    effect = "the symptom goes" if probe.flips else "the symptom stays"
    return f"{words(probe.change)}: {words(probe.symptom)} {figure(probe.before)} → {figure(probe.after)}, {effect}"


def figure(value: Value) -> str:
    """A value with three digits; near 1 its distance from 1, which is what matters of a cosine."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, str):
        return value
    if 0 < (off := abs(1 - abs(value))) < (5e-4 if abs(value) < 1 else 5e-3):  # three digits would say 1
        return f"{'−' if value < 0 else ''}(1 {'−' if abs(value) < 1 else '+'} {off:.0e})".replace("e-0", "e−")
    return f"{value:.3g}".replace("-", "−")


def words(name: str) -> str:
    """An identifier as words."""
    return name.replace("_", " ")
