"""A case made concrete: its inputs, its true result, and the call that a contestant is timed by."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from implementations import Implementation
from suites.case import Case
from suites.measure import oracle
from suites.measure.clock import Call
from suites.measure.failure import Failure
from suites.measure.phases import Phases
from suites.record import Status

Pair = tuple[torch.Tensor, torch.Tensor]
MakeInputs = Callable[[Case], Pair]


@dataclass(frozen=True)
class Problem:
    """A case's inputs, an untouched copy of them, and the truth."""

    case: Case
    inputs: Pair
    untouched: Pair
    truth: oracle.Truth
    gradients: Pair | None

    @classmethod
    def of(cls, case: Case, make_inputs: MakeInputs, phases: Phases) -> "Problem":
        """Make the inputs of the case and solve it."""
        with phases("inputs"):
            inputs = make_inputs(case)
            untouched = inputs[0].clone(), inputs[1].clone()
        with phases("oracle"):
            truth = oracle.cosines(case, *inputs)
            gradients = oracle.gradients(case, *inputs, truth) if _backward(case) else None
        return cls(case, inputs, untouched, truth, gradients)

    def require_untouched(self) -> None:
        """Raise a `Failure` with the status `wrong` if the inputs were changed."""
        changed = [n for n, a, b in zip("xy", self.inputs, self.untouched, strict=True) if not torch.equal(a, b)]
        if changed:
            raise Failure(Status.WRONG, f"changed its input {' and '.join(changed)}")

    def restore(self) -> None:
        """Give the inputs their values back, and their shapes, for the contestants that follow."""
        for t, original in zip(self.inputs, self.untouched, strict=True):
            t.data = original.clone()


def call_of(case: Case, implementation: Implementation, inputs: Pair) -> Call:
    """What is timed: `fn` on the inputs, and for forward+backward the gradients of the summed result as well.

    It returns the result, or `(result, dx, dy)`.
    """
    arguments = inputs if implementation.task == "pairwise" else (*inputs, case.dim)
    forward = partial(implementation.fn, *arguments)
    if not _backward(case):
        return forward
    for t in inputs:
        t.requires_grad_()

    def forward_and_backward() -> tuple[object, ...]:
        result = forward()
        if not isinstance(result, torch.Tensor):
            return (result,)
        if not result.requires_grad:
            raise Failure(Status.UNSUPPORTED, "its result carries no gradient")
        return result, *torch.autograd.grad(result, inputs, torch.ones_like(result))

    return forward_and_backward


def gradient_mode(case: Case) -> torch.set_grad_enabled:
    """The context in which a contestant of the case is called."""
    return torch.set_grad_enabled(_backward(case))


def _backward(case: Case) -> bool:
    return case.direction == "forward+backward"
