"""Checks of a result: its form, its error and its gradients against the truth and the stated bound."""

import numpy as np
import torch

from implementations import Implementation
from suites.failure import Failure
from suites.records.case import ROUNDOFFS, Case
from suites.records.record import Error, Status
from suites.truth import oracle
from suites.truth.bound import bound
from suites.truth.oracle import Truth


def require_form(case: Case, output: object) -> torch.Tensor:
    """The output, if it is a tensor of the case's shape, device and dtype (or fp32 for 16-bit inputs).

    Raises:
        Failure: with the status `wrong`, if it is not.
    """
    return require_tensor(output, case.output_shape, dtypes_for(getattr(torch, case.dtype)), case.device)


def dtypes_for(dtype: torch.dtype) -> tuple[torch.dtype, ...]:
    """The allowed dtypes of a similarity: that of the inputs, or float32 for 16-bit and integer inputs."""
    if not dtype.is_floating_point:
        return (torch.float32,)
    return (dtype, torch.float32) if dtype.itemsize < 4 else (dtype,)


def require_tensor(
    output: object, shape: tuple[int, ...], dtypes: tuple[torch.dtype, ...], device: str
) -> torch.Tensor:
    """The output, if it is a plain tensor of this shape, of one of the dtypes, and on a device of this type.

    Raises:
        Failure: with the status `wrong`, if it is not.
    """
    if not isinstance(output, torch.Tensor):
        raise Failure(Status.WRONG, f"returned a {type(output).__name__}, not a torch.Tensor")
    if type(output) is not torch.Tensor:  # such as one that computes only when it is read
        raise Failure(Status.WRONG, f"returned a {type(output).__name__}, a subclass of torch.Tensor")
    if tuple(output.shape) != shape:
        raise Failure(Status.WRONG, f"returned the shape {tuple(output.shape)}, expected {shape}")
    if output.dtype not in dtypes:
        names = " or ".join(sorted(map(name_of, dtypes)))
        raise Failure(Status.WRONG, f"returned {name_of(output.dtype)}, expected {names}")
    if output.device.type != device:
        raise Failure(Status.WRONG, f"returned a tensor on {output.device.type}, expected {device}")
    return output


def name_of(dtype: torch.dtype) -> str:
    """The name of a dtype, such as "float32"."""
    return str(dtype).removeprefix("torch.")


def error_of(output: torch.Tensor, truth: Truth) -> Error:
    """Maximum and root mean square of |output - truth|, over the outputs that have a true value.

    Raises:
        Failure: with the status `wrong`, an output is not finite where the truth is.
    """
    wide = np.longdouble if truth.dtype == np.longdouble else np.float64
    values = output.detach().to(torch.float64).cpu().numpy().astype(wide)
    defined = np.isfinite(truth)
    difference = np.abs(values - truth)[defined]
    broken = int(np.count_nonzero(~np.isfinite(difference)))
    if broken:
        raise Failure(
            Status.WRONG, f"{broken} of {difference.size} results are NaN or infinite where the truth is finite"
        )
    if not difference.size:
        raise Failure(Status.UNSUPPORTED, "no row has a cosine: in this dtype, every pair has a row of zeros")
    return Error(error_abs=float(difference.max()), error_rms=float(np.sqrt(np.mean(difference**2))))


def require_bound(case: Case, entry: Implementation, error: Error, output_dtype: str) -> None:
    """Raise a `Failure` with the status `wrong` if the error exceeds the bound of the stated arithmetic."""
    allowed = bound(entry, case.length, case.dtype, output_dtype)
    if error.error_abs > allowed:
        raise Failure(
            Status.WRONG,
            f"the largest error is {error.error_abs:.3g}, above {allowed:.3g}, "
            f"the most that its stated {case.dtype} arithmetic over {case.length} elements explains",
            error,
        )


def require_gradients(
    case: Case,
    entry: Implementation,
    got: tuple[torch.Tensor, ...],
    truth: tuple[torch.Tensor, ...],
    inputs: tuple[torch.Tensor, ...],
) -> None:
    """Raise a `Failure` with the status `wrong` if a gradient exceeds its bound.

    A row's gradient is compared as a vector and multiplied by ‖x‖, which gives it the magnitude of a cosine. It sums
    one cosine for each pair. Its bound is four times that of a cosine, plus its own last roundings.
    """
    n, m = case.shape[:2] if case.task == "pairwise" else (1, 1)
    for name, gradient, true, operand, pairs in zip("xy", got, truth, inputs, (m, n), strict=True):
        difference = (gradient.detach().flatten(1).cpu().double() - true) * oracle.norms(operand)
        distance = difference.square().sum(1).sqrt()[torch.isfinite(true).all(1)]
        worst = max(distance.nan_to_num(nan=torch.inf).tolist(), default=0.0)
        allowed = 4 * pairs * (bound(entry, case.length, case.dtype, case.dtype) + 2 * ROUNDOFFS[case.dtype])
        if worst > allowed:
            raise Failure(
                Status.WRONG, f"the gradient of {name} is off by {worst:.3g} of 1/‖{name}‖, above {allowed:.3g}"
            )
