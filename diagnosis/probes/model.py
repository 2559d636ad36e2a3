"""The subject's model runs again, changed or on other inputs: the probe of every cause in the model or its inputs."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, TypeVar

import torch
from torch import nn

from diagnosis.isolation import private_copy, seeded, unchanged, users_code
from diagnosis.plain import plain
from diagnosis.signature.sums import mean_cosine
from diagnosis.subject import DiagnosisError, Subject

Found = TypeVar("Found")


class Source(NamedTuple):
    """The model and the inputs that give all embeddings of a subject."""

    model: nn.Module
    inputs: torch.Tensor
    other_inputs: torch.Tensor | None


def source(subject: Subject) -> Source | None:
    """The model and its inputs; None if they are not known for each side."""
    if subject.model is None or subject.inputs is None or (subject.y is not None and subject.other_inputs is None):
        return None
    return Source(subject.model, subject.inputs, None if subject.y is None else subject.other_inputs)


def rerun(subject: Subject, change: Callable[[nn.Module], nn.Module | None] = lambda model: None) -> Subject:
    """The subject with a changed copy of its model and the embeddings of that, in the dtype and on the device of `x`.

    `change` changes its argument, or returns another model.

    Raises:
        DiagnosisError: there is no model with inputs, or it raises, or returns no tensor.
    """
    found = source(subject)
    if found is None:
        raise DiagnosisError("there is no model with inputs of each side to run again; pass model= and inputs=")
    copied = private_copy(found.model)
    with users_code("the model, changed for a probe,", "pass embeddings without it: diagnose(x, y)"):
        model = change(copied) or copied
    run = private_copy(model)
    with seeded():
        x = embed(run, found.inputs).to(subject.x)
        y = None if found.other_inputs is None else embed(run, found.other_inputs).to(subject.x)
    return replace(subject, model=model, x=x, y=y)


def attempted(probe: Callable[[], Found]) -> Found | None:
    """The result of a probe; None if the model can't run that way."""
    try:
        return probe()
    except DiagnosisError:
        return None


def on_inputs(subject: Subject, change: Callable[[torch.Tensor], torch.Tensor]) -> Subject:
    """The subject with changed inputs, and their embeddings."""
    inputs, other = (None if given is None else change(given) for given in (subject.inputs, subject.other_inputs))
    return rerun(replace(subject, inputs=inputs, other_inputs=other))


class Embedded(NamedTuple):
    """The output of a model, and whether it has written to its inputs."""

    embeddings: torch.Tensor
    wrote: bool


def embed(model: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """The output of the model for a copy of the inputs, in its mode, without a graph; the model changes as by any call.

    Raises:
        DiagnosisError: the model raises, or returns anything but one plain floating-point tensor `[N, ..., D]`.
    """
    return answer(model, inputs).embeddings


def answer(model: nn.Module, inputs: torch.Tensor) -> Embedded:
    """As `embed`, and whether the model has written to its copy of the inputs."""
    shape = tuple(inputs.shape)
    device = next((weight.device for weight in model.parameters()), inputs.device)
    next_step = f"call model(inputs) yourself on inputs {shape} {inputs.dtype}: it must return the embeddings"
    with torch.no_grad(), users_code("the model", next_step):
        copied = inputs.to(device, copy=True)
        output = model(copied)
    if not isinstance(output, torch.Tensor):
        raise DiagnosisError(
            f"the model returns a {type(output).__name__}, not a tensor of embeddings [N, ..., D]; "
            "wrap it in an nn.Module whose forward returns the embeddings only"
        )
    output = plain(output, "the model's answer", "answer")
    if output.ndim < 2 or len(output) != len(inputs) or not output.is_floating_point():
        raise DiagnosisError(
            f"the model returns {tuple(output.shape)} {output.dtype} for inputs {shape}, not floating-point embeddings "
            f"[{len(inputs)}, ..., D]; wrap it in an nn.Module whose forward returns one embedding a row, "
            "of this batch and of no earlier one"
        )
    return Embedded(output, wrote=not unchanged(inputs, copied))


def mean_row_cosine(x: torch.Tensor) -> float:
    """The mean cosine of two different items of `[N, ..., D]`, each flattened; 0.0 of one item.

    The probes compare several repairs by it.
    """
    units = nn.functional.normalize(x.flatten(1).double(), dim=1)
    return mean_cosine(units.sum(0), len(units)) if len(units) > 1 else 0.0
