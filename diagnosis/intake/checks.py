"""The input is checked once, and becomes tensors that share its memory."""

import math
import warnings
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from diagnosis.signature.rows import chunks
from diagnosis.subject import DiagnosisError, Subject

ArrayOrTensor = np.ndarray | torch.Tensor


def tensor(value: object, name: str) -> torch.Tensor:
    """A tensor that shares the memory of an array or tensor, without its graph.

    Raises:
        DiagnosisError: anything else: text, objects, lists, complex numbers, sparse tensors.
    """
    if isinstance(value, torch.Tensor):
        if value.layout != torch.strided or value.is_quantized:
            raise DiagnosisError(f"{name} is a {value.layout} tensor; make it a dense one: {name}.to_dense()")
        found = value.detach()
    elif isinstance(value, np.ndarray):
        found = _from_numpy(value, name)
    else:
        hint = ".to_numpy()" if hasattr(value, "to_numpy") else f": torch.tensor({name})"
        raise DiagnosisError(
            f"{name} is a {type(value).__name__}; known: torch.Tensor and numpy.ndarray; convert it first{hint}"
        )
    if found.is_complex():
        raise DiagnosisError(
            f"{name} is {found.dtype}; a cosine takes real numbers: torch.view_as_real({name}).flatten(1)"
        )
    return found


def checked(subject: Subject) -> Subject:
    """The same subject, with its labels flat, if it can be diagnosed.

    One column is accepted, since it is a known cause. So are NaN rows, as long as there are others.

    Raises:
        DiagnosisError: embeddings are not floating point `[N, ..., D]` with at least two rows, or all NaN; they have
            no `dim`; or the other side, labels or inputs have another length.
    """
    _check_embeddings(subject.x, "x", subject.dim)
    if subject.y is not None:
        _check_embeddings(subject.y, "y", subject.dim)
        x, y = (f"{tuple(side.shape)} {side.dtype} on {side.device}" for side in (subject.x, subject.y))
        if x != y:
            raise DiagnosisError(f"x is {x} and y is {y}; pairs are row by row: give both one shape, dtype and device")
    for name in ("labels", "inputs", "other_inputs"):
        held = getattr(subject, name)
        if held is not None and (not held.ndim or len(held) != len(subject.x)):
            raise DiagnosisError(
                f"{name} has the shape {tuple(held.shape)} and x {len(subject.x)} rows; give one entry for each row"
            )
    if subject.model is not None and subject.inputs is None:
        raise DiagnosisError("there is a model but no input for it; add inputs= or loader=")
    return replace(subject, labels=_labels(subject))


def check_settings(weights: object, learning_rate: object, **functions: object) -> None:
    """Check that functions can be called, the weights are a state dict, and the rate is a positive number.

    Raises:
        DiagnosisError: one of them is something else.
    """
    for name, function in functions.items():
        if function is not None and not callable(function):
            raise DiagnosisError(f"{name} is a {type(function).__name__}, which can't be called; pass a function")
    state_dict = isinstance(weights, Mapping) and all(isinstance(value, torch.Tensor) for value in weights.values())
    if weights is not None and not state_dict:
        raise DiagnosisError(
            f"weights is a {type(weights).__name__}, not a state dict of tensors; "
            "load it: torch.load(path, weights_only=True), and take the state dict out of a checkpoint"
        )
    if learning_rate is not None and not (isinstance(learning_rate, (int, float)) and 0 < learning_rate < math.inf):
        raise DiagnosisError(f"learning_rate is {learning_rate!r}; give the optimizer's, a number above 0: 1e-3")


def _from_numpy(array: np.ndarray, name: str) -> torch.Tensor:
    if array.dtype.kind not in "fiubc":
        raise DiagnosisError(
            f"{name} is a numpy array of {array.dtype} and holds no numbers; "
            "pass the numbers, one row for each: numpy.stack(rows).astype('float32')"
        )
    native = array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    if min(native.strides, default=0) < 0:  # torch has no negative strides
        native = native.copy()
    if native.dtype == np.longdouble and native.dtype.itemsize > 8:
        native = native.astype(np.float64)
    with warnings.catch_warnings(category=UserWarning, action="ignore"):  # of read-only maps, which nothing writes to
        return torch.from_numpy(native)


def _check_embeddings(x: torch.Tensor, name: str, dim: int) -> None:
    shape = tuple(x.shape)
    if not x.is_floating_point():
        raise DiagnosisError(f"{name} is {x.dtype}; a cosine needs floating point: {name}.float()")
    if x.ndim < 2:
        raise DiagnosisError(f"{name} has the shape {shape}; a single vector can't be judged: stack several to [N, D]")
    if not isinstance(dim, int) or not -x.ndim <= dim < x.ndim:
        raise DiagnosisError(f"dim is {dim!r}, and {name} is {shape}; give one from {-x.ndim} to {x.ndim - 1}")
    if len(x) < 2:
        raise DiagnosisError(
            f"{name} has rows: {len(x)}; a cosine is judged against unrelated rows: give at least 2, better 100"
        )
    if not x.numel():
        raise DiagnosisError(f"{name} has the shape {shape} and holds no numbers; look at what computed it")
    if all(bool(chunk.isnan().flatten(1).any(1).all()) for chunk in chunks(x)):  # mostly ends at the first chunk
        raise DiagnosisError(
            f"every row of {name} {shape} has a NaN, so there is no cosine to judge; find the first operation "
            "that produces one: torch.autograd.set_detect_anomaly(True), or print isnan().any() after each layer"
        )


def _labels(subject: Subject) -> torch.Tensor | None:
    labels = subject.labels
    if labels is None:
        return None
    if labels.numel() != len(labels) or not labels.double().isfinite().all():
        raise DiagnosisError(f"labels {tuple(labels.shape)} are not one finite number a row; give classes, or 1 and 0")
    flat = labels.flatten().to(subject.x.device)
    flat = flat.long() if flat.dtype == torch.bool else flat
    strange = sorted(set(flat.unique().tolist()) - {-1, 0, 1}) if subject.y is not None else []
    if strange:
        raise DiagnosisError(
            f"labels of pairs hold {strange[:5]}; known: 1 positive, 0 or -1 negative; from classes: (a == b).long()"
        )
    return flat
