"""Why is my cosine similarity always 1? The question as a function."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pandas as pd
import torch
from torch import nn

from diagnosis.examine import examine
from diagnosis.intake.checks import Array, check_settings, checked, tensor
from diagnosis.intake.loader import gather
from diagnosis.isolation import private_copy, seeded
from diagnosis.probes.loss import of_cosines
from diagnosis.probes.model import embed
from diagnosis.probes.similarity import check, guarded
from diagnosis.subject import DiagnosisError, Similarity, Subject
from diagnosis.verdict import Diagnosis

Function = TypeVar("Function")


def diagnose(
    x: Array | None = None,
    y: Array | None = None,
    *,
    dim: int = -1,
    labels: Array | None = None,
    inputs: Array | None = None,
    other_inputs: Array | None = None,
    model: nn.Module | None = None,
    loader: Iterable[object] | None = None,
    loss: Callable[..., torch.Tensor] | None = None,
    similarity: Similarity | None = None,
    weights: Mapping[str, torch.Tensor] | None = None,
    learning_rate: float | None = None,
    report: str | Path | None = None,
    curve: pd.DataFrame | None = None,
) -> Diagnosis:
    """Names what makes the cosines of embeddings all alike, with the evidence, or says that they are healthy.

    The more is handed over, the more can be told: embeddings alone; pairs; also the raw inputs; or the model with its
    inputs or loader, which is then run again, changed, on a copy: it stays as it is, and so do the random states.
    `x`, `y` and the rest are NumPy arrays or tensors, the embeddings in any floating-point dtype. "Healthy" means that
    rows which have nothing to do with each other have a mean cosine below 0.95, that pairs which are labelled as
    unlike have, and that no answer is lost to overflow or rounding, nor the rows to a few directions.

    Args:
        x: embeddings `[N, ..., D]`, each row compared with every other; what the model makes of the inputs if None.
        y: those that `x` is compared with, pair by pair.
        dim: the dim that the cosine is taken over.
        labels: `[N]`; of pairs 1 for alike and 0 or -1 for not, of embeddings alone their classes.
        inputs: `[N, ...]`, what `x` was computed from.
        other_inputs: the same of `y`.
        model: `model(inputs)` answers `[N, ..., D]`; in the mode in which it gave the cosines.
        loader: batches: a tensor of inputs, `(inputs,)`, `(inputs, labels)`, `(inputs, other_inputs)` or `(inputs,
            other_inputs, labels)`; the first 1024 rows are taken. Not read where there are `inputs`.
        loss: `(similarities, labels) -> scalar`, both `[N]`; or `(x, y, labels)`, as `nn.CosineEmbeddingLoss` has it.
        similarity: `(x, y) -> [N]`; the cosine over `dim` if None.
        weights: the state dict that the model should hold.
        learning_rate: that the model is trained with; tried with Adam.
        report: a folder, made if it is not there, for a page of the diagnosis with pictures.
        curve: of a `CollapseMonitor` that watched the training, for the page.

    Returns:
        The verdict, the causes in order, and the figures; `print` shows them as text.

    Raises:
        DiagnosisError: what was handed over can't be diagnosed, or the model, the loader or a function raises.
    """
    check_settings(weights, learning_rate, loss=loss, similarity=similarity)
    if model is not None and not isinstance(model, nn.Module):
        raise DiagnosisError(f"model is a {type(model).__name__}; known: torch.nn.Module; wrap the function in one")
    arrays = {"x": x, "y": y, "labels": labels, "inputs": inputs, "other_inputs": other_inputs}
    given = {name: tensor(value, name) for name, value in arrays.items() if value is not None}
    if x is not None and y is x:
        given["y"] = given["x"]  # the very same tensor is a cause
    with seeded():
        subject = checked(
            replace(
                _subject(given, model, loader),
                dim=dim,
                similarity=None if similarity is None else guarded(_untouched(similarity), "similarity"),
                loss=None if loss is None else guarded(of_cosines(_untouched(loss)), "loss"),
                weights=weights,
                learning_rate=learning_rate,
            )
        )
        check(subject)
        diagnosis = examine(subject)
    if report is not None:
        from diagnosis.report.page import write_report  # matplotlib and scikit-learn take seconds to import

        with seeded():
            write_report(diagnosis, subject, Path(report), curve=curve)
    return diagnosis


def _untouched(function: Function) -> Function:
    """A copy of a module, whose weights would get gradients; other functions as they are."""
    return private_copy(function) if isinstance(function, nn.Module) else function


def _subject(given: Mapping[str, torch.Tensor], model: nn.Module | None, loader: Iterable[object] | None) -> Subject:
    if loader is not None and "inputs" not in given:
        if model is None or given:
            beside = "no model" if model is None else f"{' and '.join(given)}, and no inputs"
            raise DiagnosisError(f"there is a loader and {beside}; hand over model= and loader=, or the inputs of x")
        return gather(model, loader)
    x, y, inputs, others = (given.get(name) for name in ("x", "y", "inputs", "other_inputs"))
    if x is None:
        if model is None or inputs is None or y is not None:
            raise DiagnosisError("there is no x; hand over x, or x and y, or model= with inputs= or loader=")
        run = private_copy(model)
        x, y = embed(run, inputs), None if others is None else embed(run, others)
    return Subject(x=x, y=y, labels=given.get("labels"), inputs=inputs, other_inputs=others, model=model)
