"""Causes in the model: a reused buffer, dead units, a saturated head, a large bias."""

from typing import Any

import torch
from torch import nn

from diagnosis.isolation import private_copy
from diagnosis.probes.layers import ENOUGH, RELU, SATURATING, LayerCall, activations, calls, without
from diagnosis.probes.model import embed, rerun, source
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.suspect import Clue


def cached_buffer(subject: Subject, signature: Signature) -> Clue | None:
    """Does the next call overwrite an output, or return the same output for other inputs?"""
    if subject.model is None or subject.inputs is None or len(subject.inputs) < 2:
        return None
    inputs, run = subject.inputs[:ENOUGH], private_copy(subject.model)
    first = embed(run, inputs.clone())
    before = first.clone()
    second = embed(run, inputs.flip(0))
    shared = first.untyped_storage().data_ptr() == second.untyped_storage().data_ptr()
    overwritten = not torch.equal(before, first)
    # A model that gives equal rows gives them for any inputs.
    again = torch.equal(before, second) and not torch.equal(before, before.flip(0))
    if not shared and not overwritten and not again:
        return None
    prefilled = again and torch.equal(before, embed(private_copy(subject.model), inputs.flip(0)))
    possible = source(subject) and not prefilled
    return Clue(
        confidence=1.0 if overwritten or again else 0.6,
        evidence={
            "second_call_overwrites_the_first": overwritten,
            "other_inputs_get_the_same_answer": again,
            "calls_share_memory": shared,
        },
        change="forget each output before the next call" if possible else "",
        repair=(lambda: rerun(subject, _Forgetful)) if possible else None,
    )


def dead_units(subject: Subject, signature: Signature) -> Clue | None:
    """Are most units of a ReLU 0 for every input?"""
    found = source(subject)
    if found is None:
        return None
    seen = activations(found.model, found.inputs)
    relus = [place for place, each in enumerate(seen) if each.name in RELU]
    dead = {place: _dead_share(seen[place].output) for place in relus}
    worst = max(dead.values(), default=0.0)
    if worst < 0.5:
        return None
    return Clue(
        confidence=0.9 if worst > 0.9 else 0.7,
        evidence={"share_of_dead_units": worst, "layers_with_dead_units": sum(share > 0.5 for share in dead.values())},
        change="move the dead units' threshold to their mean",
        repair=lambda: rerun(subject, lambda model: without(model, [place for place in relus if dead[place] > 0.5])),
    )


def saturated_head(subject: Subject, signature: Signature) -> Clue | None:
    """Does the model end with a sigmoid, softmax or tanh?"""
    found = source(subject)
    if found is None:
        return None
    seen = activations(found.model, found.inputs)
    if not seen or seen[-1].name not in SATURATING or seen[-1].output.shape[1:] != subject.x.shape[1:]:
        return None
    return Clue(
        confidence=0.9,
        evidence={"head": seen[-1].name, "smallest": signature.minimum, "largest": signature.maximum},
        change=f"leave the {seen[-1].name} out",
        repair=lambda: rerun(subject, lambda model: without(model, [len(seen) - 1])),
    )


def bias_dominates(subject: Subject, signature: Signature) -> Clue | None:
    """Is the bias of the last layer longer than the rest of its output?"""
    found = source(subject)
    last = _last_with_bias(calls(found.model, found.inputs)) if found else None
    if last is None:
        return None
    channels = 1 if isinstance(last.module, _CHANNELS_SECOND) else -1
    bias, output = last.module.get_parameter("bias").detach(), last.output.movedim(channels, -1)
    bias_norm, computed = float(bias.expand_as(output).norm()), float((output - bias).norm())

    def zero_bias(model: nn.Module) -> None:
        nn.init.zeros_(model.get_submodule(last.name).get_parameter("bias"))

    if bias_norm <= computed:
        return None
    return Clue(
        confidence=0.9 if bias_norm > 3 * computed else 0.7,
        evidence={"layer": last.name, "computed_over_bias": computed / bias_norm},
        change="zero the last bias",
        repair=lambda: rerun(subject, zero_bias),
    )


_CHANNELS_SECOND = (nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm, nn.GroupNorm)


def _last_with_bias(seen: list[LayerCall]) -> LayerCall | None:
    with_bias = (call for call in reversed(seen) if isinstance(getattr(call.module, "bias", None), torch.Tensor))
    return next(with_bias, None)


def _dead_share(output: torch.Tensor) -> float:
    """Share of units that are 0 for every row; a unit is a column, or a channel at all places.

    Channels are the second dim of feature maps and the last dim of sequences; the smaller share counts.
    """
    over_places = [output.movedim(channels, 0).flatten(1).amax(1) for channels in (1, -1)]
    return min(float((units <= 0).double().mean()) for units in over_places)


class _Forgetful(nn.Module):
    """Runs a fresh copy of the model at each call."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.training = model.training

    def forward(self, inputs: torch.Tensor) -> Any:
        return private_copy(self.model)(inputs)
