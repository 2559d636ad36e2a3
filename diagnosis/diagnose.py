"""`diagnose`: why is my cosine similarity always 1?"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pandas as pd
import torch
from torch import nn

from diagnosis.examine import examine
from diagnosis.intake.checks import ArrayOrTensor, check_model, check_page, check_settings, checked, tensor
from diagnosis.intake.function import as_module, weights_of
from diagnosis.intake.loader import gather
from diagnosis.isolation import private_copy, seeded
from diagnosis.probes.loss import of_cosines
from diagnosis.probes.model import answer, attempted, embed
from diagnosis.probes.similarity import Guarded, check, guarded
from diagnosis.subject import DiagnosisError, Similarity, Subject
from diagnosis.verdict import Diagnosis

FEW = 64  # inputs on which the model is seen to write
F = TypeVar("F")


def diagnose(
    x: ArrayOrTensor | None = None,
    y: ArrayOrTensor | None = None,
    *,
    dim: int = -1,
    labels: ArrayOrTensor | None = None,
    inputs: ArrayOrTensor | None = None,
    other_inputs: ArrayOrTensor | None = None,
    model: Callable[[torch.Tensor], torch.Tensor] | None = None,
    loader: Iterable[object] | None = None,
    loss: Callable[..., torch.Tensor] | None = None,
    similarity: Similarity | None = None,
    weights: Mapping[str, torch.Tensor] | None = None,
    learning_rate: float | None = None,
    report: str | Path | None = None,
    curve: pd.DataFrame | None = None,
) -> Diagnosis:
    """Names the causes that make all cosines high, with the evidence, or finds the embeddings healthy.

    More input allows a finer diagnosis: embeddings alone; pairs; the raw inputs; the model with its inputs or loader.
    Probes run on copies of the model and of its inputs: they and the random states stay as they are. Arrays are of
    NumPy or torch, and embeddings have a floating-point dtype of at least 16 bits.

    We call it "always 1" when unrelated rows, or negative pairs, have a mean cosine of at least 0.95. Healthy
    embeddings stay below. They also lose no cosine to overflow or rounding, and vary in more than a few directions.

    Args:
        x: embeddings `[N, ..., D]`; computed by the model if None. Without `y`, each row is compared with every other.
        y: the other side of the pairs, in the shape of `x`.
        dim: the dimension that the cosine is computed over.
        labels: `[N]`; of pairs 1 for positive and 0 or -1 for negative ones, of embeddings alone their classes.
        inputs: `[N, ...]`, the model's inputs for `x`.
        other_inputs: the same for `y`.
        model: `model(inputs)` returns `[N, ..., D]`: a module, in the mode that gave these cosines, or a function.
        loader: batches: a tensor of inputs, `(inputs,)`, `(inputs, labels)`, `(inputs, other_inputs)` or `(inputs,
            other_inputs, labels)`; the first 1024 rows are used. Ignored if there are `inputs`.
        loss: `(similarities, labels) -> scalar`, both `[N]`; or `(x, y, labels)`, as of `nn.CosineEmbeddingLoss`.
        similarity: `(x, y) -> [N]`; the cosine over `dim` if None.
        weights: the state dict that the model should hold.
        learning_rate: the rate of the training; a probe tries it with Adam.
        report: a folder for a page with pictures; made if it is missing.
        curve: the curve of a `CollapseMonitor` that watched the training, for the page.

    Returns:
        The verdict, the causes in order, and the figures. `print` shows them as text.

    Raises:
        DiagnosisError: the input can't be diagnosed, or the model, the loader or a function raises.
    """
    check_settings(weights, learning_rate, loss=loss, similarity=similarity)
    module = None if model is None else as_module(model)
    if module is not None:
        check_model(module)
    folder = None if report is None else check_page(report, curve)
    arrays = {"x": x, "y": y, "labels": labels, "inputs": inputs, "other_inputs": other_inputs}
    given = {name: tensor(value, name) for name, value in arrays.items() if value is not None}
    if x is not None and y is x:
        given["y"] = given["x"]  # the very same tensor is a cause
    with seeded():
        subject = checked(
            replace(
                _subject(given, module, loader),
                dim=dim,
                similarity=None if similarity is None else guarded(_untouched(similarity), "similarity"),
                loss=None if loss is None else guarded(of_cosines(_untouched(loss)), "loss"),
                weights=weights_of(module, weights),
                learning_rate=learning_rate,
            )
        )
        check(subject)
        diagnosis = replace(examine(subject), remarks=_remarks(subject))
    if folder is not None:
        from diagnosis.report.page import write_report  # matplotlib and scikit-learn take seconds to import

        with seeded():
            write_report(diagnosis, subject, folder, curve=curve)
    return diagnosis


def _untouched(function: F) -> F:
    """A copy of a module, so that its weights get no gradients; other functions as they are."""
    return private_copy(function) if isinstance(function, nn.Module) else function


def _remarks(subject: Subject) -> tuple[str, ...]:
    """One for the model and for each function that writes to its arguments."""
    wrote = {f"the {one.name}": one.wrote for one in (subject.similarity, subject.loss) if isinstance(one, Guarded)}
    model, inputs = subject.model, subject.inputs
    if model is not None and inputs is not None:
        again = attempted(lambda: answer(private_copy(model), inputs[:FEW]))
        wrote["the model"] = again is not None and again.wrote
    return tuple(
        f"{what} writes to its arguments: here to copies, in your code to the originals, and the next call gets them "
        "changed. Let it write to a .clone(), and leave out inplace=True there."
        for what, does in wrote.items()
        if does
    )


def _subject(given: Mapping[str, torch.Tensor], model: nn.Module | None, loader: Iterable[object] | None) -> Subject:
    if loader is not None and "inputs" not in given:
        if model is None or given:
            present = "no model" if model is None else f"{' and '.join(given)}, and no inputs"
            raise DiagnosisError(f"there is a loader and {present}; pass model= and loader=, or the inputs of x")
        return gather(model, loader)
    x, y, inputs, others = (given.get(name) for name in ("x", "y", "inputs", "other_inputs"))
    if x is None:
        if model is None or inputs is None or y is not None:
            raise DiagnosisError("there is no x; pass x, or x and y, or model= with inputs= or loader=")
        run = private_copy(model)
        x, y = embed(run, inputs), None if others is None else embed(run, others)
    return Subject(x=x, y=y, labels=given.get("labels"), inputs=inputs, other_inputs=others, model=model)
