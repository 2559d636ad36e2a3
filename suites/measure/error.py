"""How far a result is from the truth, and how far it may be."""

import numpy as np
import torch

from suites.case import Case
from suites.measure import oracle
from suites.measure.failure import Failure
from suites.measure.oracle import Truth
from suites.record import Error, Status

UNIT_ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}


def bound(case: Case) -> float:
    """The largest absolute error that arithmetic in the case's dtype explains.

    |Δcos| ≤ 8 u for the roundings of the elements, the norms and the quotient, plus
    2 n u for three sums of n products accumulated one by one (γ_n, Higham, Accuracy and
    Stability of Numerical Algorithms, §3.1); 16-bit sums are accumulated in fp32.
    Never above 1/2: a result that tells nothing about the truth is wrong in any dtype.
    """
    accumulator = "float64" if case.dtype == "float64" else "float32"
    return min(0.5, 8 * UNIT_ROUNDOFF[case.dtype] + 2 * case.length * UNIT_ROUNDOFF[accumulator])


def require_form(case: Case, output: object) -> torch.Tensor:
    """The output, if it is a tensor of the case's shape, device and dtype (or fp32 for 16-bit inputs).

    Raises:
        Failure: with the status `wrong`, it is not.
    """
    if not isinstance(output, torch.Tensor):
        raise Failure(Status.WRONG, f"returned a {type(output).__name__}, not a torch.Tensor")
    if type(output) is not torch.Tensor:  # one that computes when it is looked at, for one
        raise Failure(Status.WRONG, f"returned a {type(output).__name__}, a subclass of torch.Tensor")
    allowed = {getattr(torch, case.dtype)} | ({torch.float32} if case.dtype in ("float16", "bfloat16") else set())
    if tuple(output.shape) != case.output_shape:
        raise Failure(Status.WRONG, f"returned the shape {tuple(output.shape)}, expected {case.output_shape}")
    if output.dtype not in allowed:
        names = " or ".join(sorted(str(d).removeprefix("torch.") for d in allowed))
        raise Failure(Status.WRONG, f"returned {str(output.dtype).removeprefix('torch.')}, expected {names}")
    if output.device.type != case.device:
        raise Failure(Status.WRONG, f"returned a tensor on {output.device.type}, expected {case.device}")
    return output


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


def require_bound(case: Case, error: Error) -> None:
    """Raise a `Failure` with the status `wrong` if the error is beyond the bound."""
    if error.error_abs > bound(case):
        raise Failure(
            Status.WRONG,
            f"the largest error is {error.error_abs:.3g}, above {bound(case):.3g}, "
            f"the most that {case.dtype} arithmetic over {case.length} elements explains",
            error,
        )


def require_gradients(
    case: Case, got: tuple[torch.Tensor, ...], truth: tuple[torch.Tensor, ...], inputs: tuple[torch.Tensor, ...]
) -> None:
    """Raise a `Failure` with the status `wrong` if a gradient is beyond its bound.

    A row's gradient is compared as a vector and scaled by ‖x‖, which makes it of the
    cosine's own size; it sums one cosine a pair, and costs about four times the roundings.
    """
    n, m = case.shape[:2] if case.task == "pairwise" else (1, 1)
    for name, gradient, true, operand, pairs in zip("xy", got, truth, inputs, (m, n), strict=True):
        difference = (gradient.detach().flatten(1).double().cpu() - true) * oracle.norms(operand)
        distance = difference.square().sum(1).sqrt()[torch.isfinite(true).all(1)]
        worst = max(distance.nan_to_num(nan=torch.inf).tolist(), default=0.0)
        allowed = 4 * pairs * bound(case)
        if worst > allowed:
            raise Failure(
                Status.WRONG, f"the gradient of {name} is off by {worst:.3g} of 1/‖{name}‖, above {allowed:.3g}"
            )
