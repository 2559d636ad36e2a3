"""How a diagnosis is said, on the terminal and on the page."""

from collections.abc import Mapping

from diagnosis.remedies import CAUSES
from diagnosis.verdict import Counterfactual, Diagnosis, Value

_SURENESS = ((0.95, "almost certain"), (0.8, "very likely"), (0.5, "likely"), (0.0, "possible"))

NEXT = (
    "Give it more to look at: both sides of the pairs, --labels, the raw --inputs; or, in Python, the model, its "
    "loader and its loss: diagnosis.diagnose(model=..., loader=..., loss=...)."
)
"""What helps where no cause could be named."""


def headline(diagnosis: Diagnosis) -> str:
    """The verdict in one line."""
    if diagnosis.verdict == "healthy":
        return "Healthy: no symptom, judged against the shuffled and the centred floor."
    if diagnosis.verdict == "unknown":
        return f"Not healthy, and none of the {len(CAUSES)} known causes explains it."
    return f"Not healthy: {' and '.join(cause.name for cause in diagnosis.causes)}."


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
