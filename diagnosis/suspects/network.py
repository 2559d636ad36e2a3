"""Causes inside the model: a layer that can't tell inputs apart, a mode, weights that were never loaded."""

import torch
from torch import nn

from diagnosis.layers import RELU, SATURATING, Call, activations, calls, without
from diagnosis.rerun import embed, rerun, source
from diagnosis.restoring import private_copy
from diagnosis.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.normalisation import batchnorm_misuse, layernorm_size_one
from diagnosis.suspects.suspect import Clue, Suspect
from diagnosis.suspects.weights import weights_not_loaded


def cached_buffer(subject: Subject, signature: Signature) -> Clue | None:
    """Does the model answer in one and the same memory, so that each call overwrites the answer of the last?"""
    if subject.model is None or subject.inputs is None or len(subject.inputs) < 2:
        return None
    half = len(subject.inputs) // 2
    run = private_copy(subject.model)
    first = embed(run, subject.inputs[:half].clone())
    before = first.clone()
    second = embed(run, subject.inputs[half : 2 * half].clone())
    shared = first.untyped_storage().data_ptr() == second.untyped_storage().data_ptr()
    overwritten = not torch.equal(before, first)
    if not shared and not overwritten:
        return None
    return Clue(
        confidence=1.0 if overwritten else 0.6,
        evidence={"second_call_overwrites_the_first": overwritten, "calls_share_memory": shared},
        change="clone each answer",
        repair=lambda: rerun(subject, _clone_answers),
    )


def dead_units(subject: Subject, signature: Signature) -> Clue | None:
    """Are most units of a ReLU 0 on every input?"""
    found = source(subject)
    if found is None:
        return None
    seen = activations(found.model, found.inputs)
    relus = [place for place, each in enumerate(seen) if each.name in RELU]
    dead = {place: _dead_share(seen[place].answer) for place in relus}
    worst = max(dead.values(), default=0.0)
    if worst < 0.5:
        return None
    return Clue(
        confidence=0.9 if worst > 0.9 else 0.7,
        evidence={"share_of_dead_units": worst, "layers_with_dead_units": sum(share > 0.5 for share in dead.values())},
        change="move the ReLU's threshold to the units' mean",
        repair=lambda: rerun(subject, lambda model: without(model, [place for place in relus if dead[place] > 0.5])),
    )


def saturated_head(subject: Subject, signature: Signature) -> Clue | None:
    """Is the last thing that the model does a sigmoid, softmax or tanh?"""
    found = source(subject)
    if found is None:
        return None
    seen = activations(found.model, found.inputs)
    if not seen or seen[-1].name not in SATURATING or seen[-1].answer.shape[1:] != subject.x.shape[1:]:
        return None
    return Clue(
        confidence=0.9,
        evidence={"head": seen[-1].name, "smallest": signature.minimum, "largest": signature.maximum},
        change=f"leave the {seen[-1].name} out",
        repair=lambda: rerun(subject, lambda model: without(model, [len(seen) - 1])),
    )


def bias_dominates(subject: Subject, signature: Signature) -> Clue | None:
    """Is the bias of the last layer longer than what the layer computes of its input?"""
    found = source(subject)
    last = _last_with_bias(calls(found.model, found.inputs)) if found else None
    if last is None:
        return None
    channels = 1 if isinstance(last.module, _CHANNELS_SECOND) else -1
    bias, answer = last.module.get_parameter("bias").detach(), last.answer.movedim(channels, -1)
    bias_norm, computed = float(bias.expand_as(answer).norm()), float((answer - bias).norm())

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


def _last_with_bias(seen: list[Call]) -> Call | None:
    with_bias = (call for call in reversed(seen) if isinstance(getattr(call.module, "bias", None), torch.Tensor))
    return next(with_bias, None)


def _dead_share(answer: torch.Tensor) -> float:
    """Share of units that are 0 on every row; a unit is a column, or a channel at every place.

    Channels are the second dim of feature maps and the last one of sequences; the smaller share counts.
    """
    over_places = [answer.movedim(channels, 0).flatten(1).amax(1) for channels in (1, -1)]
    return min(float((units <= 0).double().mean()) for units in over_places)


def _clone_answers(model: nn.Module) -> None:
    model.register_forward_hook(lambda module, given, answer: answer.clone())


SUSPECTS = (
    Suspect("cached_buffer", cached_buffer),
    Suspect("layernorm_size_one", layernorm_size_one),
    Suspect("weights_not_loaded", weights_not_loaded),
    Suspect("batchnorm_misuse", batchnorm_misuse),
)
AFTER_TRAINING = (  # what a faulty objective leaves behind
    Suspect("dead_units", dead_units),
    Suspect("saturated_head", saturated_head),
    Suspect("bias_dominates", bias_dominates),
)
