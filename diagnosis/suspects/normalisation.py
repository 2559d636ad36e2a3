"""Normalisation layers that remove the input: BatchNorm in the wrong mode, LayerNorm over one number."""

import torch
from torch import nn

from diagnosis.probes.layers import LayerCall, calls
from diagnosis.probes.model import attempted, mean_row_cosine, rerun, source
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.suspect import Clue

_BATCHNORM = nn.modules.batchnorm._BatchNorm


def layernorm_size_one(subject: Subject, signature: Signature) -> Clue | None:
    """Does a layer normalise single numbers, so that it returns its bias for any input?"""
    found = source(subject)
    if found is None:
        return None
    faulty = [call.name for call in calls(found.model, found.inputs) if _numbers_normalised(call) == 1]
    if not faulty:
        return None

    def leave_out(model: nn.Module) -> None:
        for name in faulty:
            model.set_submodule(name, nn.Identity())

    return Clue(
        confidence=1.0,
        evidence={"layer": faulty[0], "layers": len(faulty), "numbers_normalised_together": 1},
        change="leave the normalisation out",
        repair=lambda: rerun(subject, leave_out),
    )


def batchnorm_misuse(subject: Subject, signature: Signature) -> Clue | None:
    """Do the embeddings depend on BatchNorm's mode: running statistics of other data, or tiny batches?"""
    found = source(subject)
    if found is None:
        return None
    norms = [call for call in calls(found.model, found.inputs) if isinstance(call.module, _BATCHNORM)]
    if not norms:
        return None
    gap = max(map(_gap, norms))
    training = any(call.module.training for call in norms)
    if not training and gap < 1.5:  # training leaves a gap of 0.1; raw bytes instead of pixels, of 0.7
        return None
    to = attempted(lambda: rerun(subject, lambda model: _set_batchnorm(model, training=not training)))
    if to is None:
        return None
    before, after = mean_row_cosine(subject.x), mean_row_cosine(to.x)
    if 1 - after < 2 * (1 - before):
        return None
    mode = "train" if training else "eval"
    return Clue(
        confidence=0.9,
        evidence={
            "mode": mode,
            "gap_to_running_statistics": gap,
            "mean_cosine": before,
            "mean_cosine_in_other_mode": after,
        },
        change=f"BatchNorm in {'eval' if training else 'train'} mode",
        repair=lambda: to,
    )


def _numbers_normalised(call: LayerCall) -> int:
    if isinstance(call.module, nn.LayerNorm):
        return torch.Size(call.module.normalized_shape).numel()
    if isinstance(call.module, nn.GroupNorm):
        return call.given[0].numel() // call.module.num_groups
    return 0


def _gap(call: LayerCall) -> float:
    """The distance from the running statistics to those of these inputs: in standard deviations, or factors of 4."""
    norm, channels = call.module, call.given.transpose(0, 1).flatten(1).double()
    assert isinstance(norm, _BATCHNORM)
    if norm.running_mean is None or norm.running_var is None:
        return 0.0
    scale = (norm.running_var.double() + norm.eps).sqrt()
    shift = (channels.mean(1) - norm.running_mean.double()).abs() / scale
    factor = ((channels.var(1, correction=0) + norm.eps).sqrt() / scale).log().abs() / torch.tensor(4.0).log()
    return float(torch.maximum(shift, factor).median())


def _set_batchnorm(model: nn.Module, *, training: bool) -> None:
    for module in model.modules():
        if isinstance(module, _BATCHNORM):
            module.train(training)
