"""The input is checked once, and becomes tensors that share its memory."""

import math
import operator
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from diagnosis.plain import plain, readable
from diagnosis.signature.rows import chunks
from diagnosis.subject import DiagnosisError, Subject

ArrayOrTensor = np.ndarray | torch.Tensor


def tensor(value: object, name: str) -> torch.Tensor:
    """A tensor that shares the memory of an array or tensor, without its graph.

    Raises:
        DiagnosisError: anything else: text, objects, lists; or a tensor that is not plain.
    """
    if isinstance(value, torch.Tensor):
        return plain(value, name)
    if isinstance(value, np.ndarray):
        return plain(_from_numpy(value, name), name)
    hint = ".to_numpy()" if hasattr(value, "to_numpy") else f": torch.tensor({name})"
    raise DiagnosisError(
        f"{name} is a {type(value).__name__}; known: torch.Tensor and numpy.ndarray; convert it first{hint}"
    )


def checked(subject: Subject) -> Subject:
    """The same subject if it can be diagnosed, with its labels flat, and labels and tokens in a dtype with a sign.

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
    inputs, others = _signed(subject.inputs), _signed(subject.other_inputs)
    return replace(
        subject, dim=operator.index(subject.dim), labels=_labels(subject), inputs=inputs, other_inputs=others
    )


def check_model(model: nn.Module) -> None:
    """Check that a model's layers can be seen and copied.

    Raises:
        DiagnosisError: a part of it is traced or scripted.
    """
    scripted = [name for name, one in model.named_modules() if isinstance(one, torch.jit.ScriptModule)]
    if scripted:
        part = f"the part {scripted[0]!r} of the model" if scripted[0] else "the model"
        raise DiagnosisError(
            f"{part} is traced or scripted, and its layers can't be seen; pass the nn.Module that it was made of, "
            "or its embeddings: diagnose(x=model(inputs), inputs=inputs)"
        )


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
    number = isinstance(learning_rate, (int, float)) and not isinstance(learning_rate, bool)
    for name, value in weights.items() if isinstance(weights, Mapping) else ():
        readable(value, f"weights[{name!r}]")
    if learning_rate is not None and not (number and 0 < learning_rate < math.inf):  # type: ignore[operator]
        raise DiagnosisError(f"learning_rate is {learning_rate!r}; give the optimizer's, a number above 0: 1e-3")


def check_page(report: object, curve: object = None) -> Path:
    """The folder of the page, made if it is missing.

    Raises:
        DiagnosisError: it can't be written, or the curve is not one of a `CollapseMonitor`.
    """
    if curve is not None and not (isinstance(curve, pd.DataFrame) and {"step", "mean_cosine", "collapsed"} <= {*curve}):
        raise DiagnosisError(f"curve is a {type(curve).__name__}, not the curve of a monitor; pass monitor.curve()")
    try:
        folder = Path(report)  # type: ignore[arg-type]
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, TypeError, ValueError) as error:
        raise DiagnosisError(f"the report {str(report)!r} can't be written ({error}); name another folder") from error
    return folder


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
    if isinstance(dim, bool) or not hasattr(dim, "__index__") or not -x.ndim <= operator.index(dim) < x.ndim:
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


def _signed(inputs: torch.Tensor | None) -> torch.Tensor | None:
    """Unsigned numbers of 16 bits or more as int64: torch neither compares nor gathers them."""
    if inputs is None or inputs.dtype not in (torch.uint16, torch.uint32, torch.uint64):
        return inputs
    return inputs.long()


def _labels(subject: Subject) -> torch.Tensor | None:
    labels = subject.labels
    if labels is None:
        return None
    if labels.numel() != len(labels) or not labels.double().isfinite().all():
        raise DiagnosisError(f"labels {tuple(labels.shape)} are not one finite number a row; give classes, or 1 and 0")
    flat = labels.flatten().to(subject.x.device)
    flat = flat if flat.dtype.is_signed else flat.long()
    strange = sorted(set(flat.unique().tolist()) - {-1, 0, 1}) if subject.y is not None else []
    if strange:
        raise DiagnosisError(
            f"labels of pairs hold {strange[:5]}; known: 1 positive, 0 or -1 negative; from classes: (a == b).long()"
        )
    return flat
