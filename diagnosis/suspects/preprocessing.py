"""Causes in the preprocessing: inputs without differences, or with an unexpected range or order of channels."""

from functools import partial

import torch
from torch import nn

from diagnosis.probes.layers import ENOUGH
from diagnosis.probes.model import attempted, mean_row_cosine, on_inputs, source
from diagnosis.probes.preprocessing import first_features, known_normalisation_undone, own_normalisation_undone
from diagnosis.probes.vectors import Transform
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.suspect import Clue

_RAW = 16  # larger inputs were never scaled: standardised ones stay below 10 sigma
_FLAT, _FAINT = 0.1, 0.02  # spread relative to the level, and absolute: pixels and standardised columns have 0.3 to 1


def over_normalised_inputs(subject: Subject, signature: Signature) -> Clue | None:
    """Did the preprocessing remove the differences: is the spread tiny, absolute or relative to the level?"""
    inputs = subject.inputs
    if inputs is None or not inputs.is_floating_point() or _largest(inputs) > _RAW:
        return None
    spread = _spread(inputs)
    if spread == 0 or not _flat(inputs):
        return None
    evidence: dict[str, float | str] = {"spread_of_inputs": spread, "spread_beside_level": spread / _level(inputs)}
    known = known_normalisation_undone(inputs)
    if known:
        evidence |= {"still_looks_normalised_without": known[0]}
    if source(subject):
        undo = known[1] if known else standardiser(inputs)
        return Clue(
            confidence=0.9,
            evidence=evidence,
            change=f"undo {known[0]}" if known else "standardise the inputs",
            repair=lambda: on_inputs(subject, undo),
        )
    return Clue.by_centring(subject, 0.6, evidence, change="centre, as the inputs should be")


def normalised_by_the_model_too(subject: Subject, signature: Signature) -> Clue | None:
    """Are the inputs normalised, and does the model's own normalisation then leave hardly any differences?"""
    given = source(subject)
    if given is None or not _looks_normalised(given.inputs):
        return None
    model, few = given.model, given.inputs[:ENOUGH]
    features = attempted(partial(first_features, model, few))
    undo = (
        attempted(partial(own_normalisation_undone, model, few)) if features is not None and _flat(features) else None
    )
    if features is None or undo is None:
        return None
    then = attempted(lambda: first_features(model, undo(few)))
    if then is None or _flat(then):
        return None
    return Clue(
        confidence=0.9,
        evidence={
            "spread_of_inputs": _spread(few),
            "spread_behind_the_normalisation_of_the_model": _spread(features),
            "spread_with_one_normalisation_undone": _spread(then),
        },
        change="undo one of the two normalisations",
        repair=lambda: on_inputs(subject, undo),
    )


def channel_or_range_mismatch(subject: Subject, signature: Signature) -> Clue | None:
    """Does the model separate the inputs after a change of their range or their channels?"""
    given = source(subject)
    if given is None:
        return None
    found, inputs = [], given.inputs
    for name, change in _mismatches(given.model, inputs).items():
        repaired = attempted(partial(on_inputs, subject, change))
        if repaired:
            found.append((mean_row_cosine(repaired.x), name, repaired))
    before = mean_row_cosine(subject.x)
    after, name, best = min(found, key=lambda one: one[0], default=(1.0, "", subject))
    if 1 - after < 2 * (1 - before):
        return None
    evidence = {"largest_input": _largest(inputs), "mean_cosine": before, "mean_cosine_repaired": after}
    return Clue(confidence=0.8, evidence=evidence, change=name, repair=lambda: best)


def standardiser(inputs: torch.Tensor) -> Transform:
    """A change to mean 0 in each place and spread 1 over all, fitted to these inputs."""
    mean, spread = inputs.double().mean(0), _spread(inputs) or 1.0

    def standardise(given: torch.Tensor) -> torch.Tensor:
        return ((given.double() - mean) / spread).to(given.dtype if given.is_floating_point() else torch.float32)

    return standardise


def _mismatches(model: nn.Module, inputs: torch.Tensor) -> dict[str, Transform]:
    """Preprocessing steps that may be missing; token ids stay, since they are not pixels."""
    changes: dict[str, Transform] = {}
    if _largest(inputs) > _RAW and (inputs.is_floating_point() or inputs.dtype == torch.uint8):
        changes["divide the inputs by 255"] = lambda given: given / 255
        changes["standardise the inputs"] = standardiser(inputs)
    if _expects_bytes(model, inputs):
        changes["multiply the inputs by 255"] = lambda given: given * 255
    if inputs.ndim == 4 and {3, 4} & {inputs.shape[1], inputs.shape[3]}:
        to = (0, 3, 1, 2) if inputs.shape[3] in (3, 4) else (0, 2, 3, 1)
        changes["move the channels"] = lambda given: given.permute(to).contiguous()
        changes["read the channels from the other end of the shape"] = lambda given: given.permute(to).reshape(
            given.shape
        )
        changes["reverse the channels"] = lambda given: given.flip(1 if given.shape[1] in (3, 4) else 3)
    return changes


def _expects_bytes(model: nn.Module, inputs: torch.Tensor) -> bool:
    """Whether the model's own preprocessing flattens inputs of 0 to 1, but not of 0 to 255."""
    if not inputs.is_floating_point() or inputs.min() < 0 or inputs.max() > 1 or _flat(inputs):
        return False
    few = inputs[:ENOUGH]
    now, then = (attempted(partial(first_features, model, given)) for given in (few, few * 255))
    return now is not None and then is not None and _flat(now) and not _flat(then)


def _looks_normalised(inputs: torch.Tensor) -> bool:
    """Whether inputs are on both sides of 0, of standard size, and differ."""
    centred = inputs.is_floating_point() and inputs.ndim > 1 and bool(inputs.min() < 0)
    return centred and _largest(inputs) <= _RAW and not _flat(inputs)


def _flat(inputs: torch.Tensor) -> bool:
    spread = _spread(inputs)
    return spread <= _FLAT * _level(inputs) or spread <= _FAINT


def _level(inputs: torch.Tensor) -> float:
    return float(inputs.double().square().mean().sqrt())


def _spread(inputs: torch.Tensor) -> float:
    return float((inputs.double() - inputs.double().mean(0)).square().mean().sqrt())


def _largest(inputs: torch.Tensor) -> float:
    return float(inputs.double().abs().max())
