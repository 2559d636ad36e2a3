"""A diagnosis: the verdict and the causes in order, each with its evidence, probe and remedy, and all of it as text."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from diagnosis.remedies import CAUSES
from diagnosis.subject import Subject

Verdict = Literal["healthy", "cause", "unknown"]
Value = float | int | str | bool | None
LabelledLine = tuple[str, str]
"""Text and its role: a verdict, "title", "text" or "code"."""

ALWAYS = 0.95
"""We call it "always 1" when unrelated rows have a mean cosine of at least this.

Healthy encoders of low temperature reach 0.7 to 1, and fine-grained data 0.9: those leave room for differences.
"""
_SURENESS = ((0.95, "almost certain"), (0.8, "very likely"), (0.5, "likely"), (0.0, "possible"))

NEXT = (
    "Give it more to look at: both sides of the pairs, --labels, the raw --inputs. In Python, pass the model with its "
    "loader and loss: diagnosis.diagnose(model=..., loader=..., loss=...). If the mean cosine below is low, the rows "
    "differ: check the function that compares them, and which rows it receives."
)
"""The next step if no known cause explains the symptom."""

NAMES = (
    "In the code, x and y are the compared embeddings, [N, D], and model computes them. reference holds embeddings of "
    "many unrelated inputs: x if there are no others. F is torch.nn.functional, and nn is torch.nn."
)
"""The names in the code of the remedies."""

HIGH = 0.7
"""For a healthy mean cosine of at least this, the headline also gives the one without the mean row."""

WIDEST = 100


@dataclass(frozen=True, kw_only=True)
class Counterfactual:
    """A probe: a change, and the symptom before and after it.

    `change` is, for example, "centre" or "BatchNorm in eval mode", and `symptom` names the figure. `flips`: the figure
    was abnormal before the change, and is normal after it.
    """

    change: str
    symptom: str
    before: float
    after: float
    flips: bool


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One cause, by its identifier in `diagnosis.remedies.REMEDIES`, and `confidence` in it from 0 to 1.

    `evidence` maps names of figures to their values. `counterfactual` is None if no probe was possible. `remedy` is
    Markdown: a few sentences, and code to try.
    """

    name: str
    confidence: float
    evidence: Mapping[str, Value]
    counterfactual: Counterfactual | None
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """The verdict, the causes (the likeliest first) and the figures behind them; `print` shows it as text.

    `symptoms` are the abnormal figures by name, `signature` all figures of the embeddings. The verdict is "unknown" if
    there is a symptom that no known cause explains. `repaired` is a sample of the embeddings after the changes in
    `tried`, which undo the causes; None if none could be undone. `remarks` are what else was seen, in sentences.
    """

    verdict: Verdict
    causes: tuple[Cause, ...] = ()
    symptoms: Mapping[str, float] = field(default_factory=dict)
    signature: Mapping[str, Value] = field(default_factory=dict)
    tried: tuple[str, ...] = ()
    repaired: Subject | None = field(default=None, repr=False, compare=False)
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(text for text, _ in lines(self))

    def to_dict(self) -> dict[str, object]:
        """The plain form that `--json` prints."""
        causes = [
            asdict(cause) | {"counterfactual": asdict(cause.counterfactual) if cause.counterfactual else {}}
            for cause in self.causes
        ]
        symptoms = {"symptoms": "; ".join(f"{name}: {value:.3g}" for name, value in self.symptoms.items())}
        said = {"verdict": self.verdict, "causes": causes, "remarks": list(self.remarks)}
        return said | {"signature": symptoms | dict(self.signature)}


def headline(diagnosis: Diagnosis) -> str:
    """The verdict in one line, with the figures behind it."""
    if diagnosis.verdict == "healthy":
        return f"Healthy{_margin(diagnosis.signature)}."
    if diagnosis.verdict == "unknown":
        said = "; ".join(f"{words(name)}: {figure(value)}" for name, value in diagnosis.symptoms.items())
        return f"Not healthy ({said}), and none of the {len(CAUSES)} known causes explains it."
    return f"Not healthy: {' and '.join(cause.name for cause in diagnosis.causes)}."


def _margin(signature: Mapping[str, Value]) -> str:
    """How far healthy cosines are from "always 1"; if they are high, also their mean after centring."""
    cosine, centred = signature.get("shuffled_cosine"), signature.get("centred_mean_cosine")
    cosine = signature.get("mean_cosine") if cosine is None else cosine
    if not isinstance(cosine, float):
        return ""
    said = f': the mean cosine of unrelated rows is {figure(cosine)}; "always 1" starts at {ALWAYS}'
    if cosine < HIGH or not isinstance(centred, float):
        return said
    return f"{said}. Without the mean row, which raises all cosines, it would be {figure(round(centred, 3) + 0.0)}"


def lines(diagnosis: Diagnosis, width: int = WIDEST) -> Iterator[LabelledLine]:
    """The whole diagnosis, block by block."""
    yield textwrap.fill(headline(diagnosis), width), diagnosis.verdict
    if layer := diagnosis.signature.get("inputs_become_equal_at"):
        yield textwrap.fill(f"Different inputs become equal at this layer: {layer}.", width), "text"
    if diagnosis.verdict == "unknown":
        yield textwrap.fill(NEXT, width), "text"
    yield from (("\n" + textwrap.fill(f"Note: {remark}", width), "text") for remark in diagnosis.remarks)
    for number, cause in enumerate(diagnosis.causes, 1):
        yield f"\n{number}. {cause.name}: {sureness(cause.confidence)}", "title"
        yield from _about(cause, width)
    if diagnosis.causes:
        yield "\n" + textwrap.fill(NAMES, width), "text"
    yield "\nThe figures", "title"
    shown = figures(diagnosis.signature)
    longest = max((len(name) for name, _ in shown), default=0)
    yield from ((f"   {name:{longest}}  {value}", "text") for name, value in shown)


def _about(cause: Cause, width: int) -> Iterator[LabelledLine]:
    """The evidence, the probe, the remedy and its code."""
    prose, _, code = cause.remedy.partition("```python\n")
    probe = cause.counterfactual
    said = [f"Evidence: {facts(cause.evidence)}.", f"Without it: {otherwise(probe)}." if probe else "", prose]
    for text in filter(None, said):
        yield textwrap.fill(text, width, initial_indent=" " * 3, subsequent_indent=" " * 3), "text"
    yield "", "text"
    yield textwrap.indent(code.removesuffix("```").rstrip(), " " * 6), "code"


def sureness(confidence: float) -> str:
    """A confidence from 0 to 1 in words, with the number."""
    return f"{next(word for least, word in _SURENESS if confidence >= least)} ({confidence:.2f})"


def facts(evidence: Mapping[str, Value]) -> str:
    """Evidence in one line."""
    return "; ".join(f"{words(name)}: {figure(value)}" for name, value in evidence.items())


def figures(signature: Mapping[str, Value]) -> list[tuple[str, str]]:
    """Each known figure as name and text, with its 95 % interval if it was estimated on a sample."""
    ends = {f"{name}_{end}" for name in signature for end in ("from", "to")}
    shown = []
    for name, value in signature.items():
        if name in ends or value is None:
            continue
        between = [figure(signature[f"{name}_{end}"]) for end in ("from", "to") if f"{name}_{end}" in signature]
        shown.append((words(name), figure(value) + (f" ({' to '.join(between)})" if between else "")))
    return shown


def otherwise(probe: Counterfactual) -> str:
    """The symptom before and after a probe, and what the probe changed."""
    values = f"{words(probe.symptom)} {figure(probe.before)} → {figure(probe.after)}"
    return f"{values}, the symptom {'disappears' if probe.flips else 'stays'} (tried: {words(probe.change)})"


def figure(value: Value) -> str:
    """A value with three digits; near 1, the distance from 1, which matters for a cosine."""
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
