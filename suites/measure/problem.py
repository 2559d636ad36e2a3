"""A case made concrete: its inputs, its true result, and the call to time."""

import dataclasses
import functools
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch

from implementations import Implementation
from suites.failure import Failure
from suites.measure import cache, sampled
from suites.measure.clock import Call
from suites.measure.phases import Phases
from suites.measure.sameness import same_bits
from suites.records.case import ALL_PAIRS, Case
from suites.records.record import Error, Status
from suites.truth import checks, oracle, top_k
from suites.truth.causes import cause

Pair = tuple[torch.Tensor, torch.Tensor]
MakeInputs = Callable[[Case], Pair]

NO_GRADIENT = "its result carries no gradient: detach(), item(), NumPy or no_grad() in it cuts the graph"


@dataclass(frozen=True)
class Problem:
    """A case's inputs, an untouched copy of them, and the truth; timed calls cycle through `copies`.

    The truth is that of `rows` of x; None means all.
    """

    case: Case
    inputs: Pair
    copies: tuple[Pair, ...]
    untouched: Pair
    truth: oracle.Truth
    gradients: Pair | None
    rows: torch.Tensor | None = None

    @classmethod
    def of(cls, case: Case, make_inputs: MakeInputs, phases: Phases) -> "Problem":
        """Make the inputs of the case and its truth."""
        with phases("inputs"):
            inputs = make_inputs(case)
            untouched, *others = ((inputs[0].clone(), inputs[1].clone()) for _ in range(cache.copies(case)))
        with phases("oracle"):
            rows = sampled.draw(case)
            truth = oracle.truth(case, inputs[0] if rows is None else inputs[0][rows], inputs[1])
            gradients = oracle.gradients(case, *inputs, truth) if _backward(case) else None
        return cls(case, inputs, (inputs, *others), untouched, truth, gradients, rows)

    def checked(self, part: object) -> object:
        """Those rows of a part of a result that are checked."""
        return part if self.rows is None or not isinstance(part, torch.Tensor) else part[self.rows]

    def judge(self, entry: Implementation, result: object) -> Error:
        """The error of a result of an implementation.

        Raises:
            Failure: with the status `wrong`, if its form, its cosines, its indices or its gradients are wrong.
        """
        if self.case.task == "top_k":
            return top_k.judge(self.case, entry, result, self.truth, self.rows)
        output, *gradients = as_tuple(result) if self.gradients else (result,)
        cosines = checks.require_form(self.case, output)
        cosines = cosines if self.rows is None else cosines[self.rows]
        found = checks.error_of(cosines, self.truth)
        checks.require_bound(self.case, entry, found, checks.name_of(cosines.dtype))
        if self.gradients:
            tensors = tuple(g for g in gradients if isinstance(g, torch.Tensor))
            checks.require_gradients(self.case, entry, tensors, self.gradients, self.inputs)
        return found

    def explained(self, failure: Failure, entry: Implementation, result: object) -> Failure:
        """The failure of a result, with its cause if the inputs show one."""
        output = as_tuple(result)[0] if self.gradients else result
        why = "" if self.changed() else cause(self.case, entry, *self.untouched, output)
        return Failure(failure.status, f"{failure.reason}; {why}", failure.error) if why else failure

    @contextmanager
    def disguised(self, rng: random.Random, which: int | None = None) -> Iterator["Problem"]:
        """The problem with one random row of an operand replaced in place, while this context lasts.

        The row becomes its partner, or the negated partner, whichever is further away. So a cosine moves by 1 or more,
        which no dtype's error hides, and no number is new. For "top_k" the two are neighbours. Torch's version counters
        don't change. `which` is 0 for a row of x, 1 for one of y, None for either.
        """
        place = tuple(map(rng.randrange, self.truth.shape))
        if self.case.task == "top_k":
            place = place[0], int(top_k.nearest(self.truth[place[0]])[place[1] % self.case.k])
        first = place[0] if self.rows is None else int(self.rows[place[0]])
        rows, which = (first, place[-1]), rng.randrange(2) if which is None else which
        row, partner = rows[which], self.untouched[1 - which][rows[1 - which]]
        alike = self.truth[place] < math.pi / 2 if self.case.task == "angle" else self.truth[place] >= 0
        if self.case.task == "angle":  # not parallel: the arc cosine of a rounded 1 may be NaN
            partner = partner + partner.roll(1) / 8
        self.inputs[which].data[row] = -partner if alike else partner
        try:
            truth = self._with_new_row(which, row, (place[0], place[-1])[which])
            gradients = oracle.gradients(self.case, *self.inputs, truth) if self.gradients else None
            yield dataclasses.replace(self, truth=truth, gradients=gradients)
        finally:
            if self.inputs[which].shape == self.untouched[which].shape:
                self.inputs[which].data[row] = self.untouched[which][row]

    def _with_new_row(self, which: int, row: int, place: int) -> oracle.Truth:
        """The truth with one changed row of an operand, at this place of the truth."""
        truth, part, here = self.truth.copy(), slice(row, row + 1), slice(place, place + 1)
        x, y = self.inputs
        if self.case.task not in ALL_PAIRS:
            truth[part] = oracle.truth(self.case, x[part], y[part])
        elif which == 0:
            truth[here] = oracle.of_all_pairs(x[part], y, y_norms=self._norms[1])
        else:
            x, x_norms = (x, self._norms[0]) if self.rows is None else (x[self.rows], self._norms[0][self.rows.numpy()])
            truth[:, here] = oracle.of_all_pairs(x, y[part], x_norms=x_norms)
        return truth

    @functools.cached_property
    def _norms(self) -> tuple[oracle.Truth, oracle.Truth]:
        """Those of the untouched rows: a changed one of all pairs is compared with the others again and again."""
        return oracle.row_norms(self.untouched[0]), oracle.row_norms(self.untouched[1])

    def versions(self) -> list[int]:
        """Torch's version counters of the inputs, which show most changes at a glance."""
        return [t._version for t in self.inputs]

    def changed(self) -> list[str]:
        """Which inputs were changed, in words; empty if none was."""
        names = [n for n, a, b in zip("xy", self.inputs, self.untouched, strict=True) if not same_bits(a, b)]
        return [f"changed its input {' and '.join(names)}"] if names else []

    def require_untouched(self) -> None:
        """Raise a `Failure` with the status `wrong` if the inputs were changed."""
        if changed := self.changed():
            raise Failure(Status.WRONG, changed[0])

    def restore(self) -> None:
        """Restore the values and shapes of the inputs for the next contestants."""
        for t, original in zip(self.inputs, self.untouched, strict=True):
            t.data = original.clone()


def call_of(case: Case, implementation: Implementation, inputs: Pair) -> Call:
    """The call to time: `fn` on the inputs, and for forward+backward also the gradients of the summed result.

    It returns the result, or `(result, dx, dy)`. A corpus that the implementation prepares is prepared here.

    Raises:
        Failure: with the status `unsupported`, gradients are asked of an implementation that prepares its corpus.
    """
    forward = partial(implementation.fn, *_arguments(case, implementation, inputs))
    if not _backward(case):
        return forward
    if implementation.prepare:
        raise Failure(Status.UNSUPPORTED, "it prepares the corpus once, so the corpus has no gradient")
    for t in inputs:
        t.requires_grad_()

    def forward_and_backward() -> tuple[object, ...]:
        result = forward()
        if not isinstance(result, torch.Tensor):
            return (result,)
        if not result.requires_grad:
            raise Failure(
                Status.UNSUPPORTED,
                "its result carries no gradient: detach(), item(), NumPy or no_grad() in it cuts the graph",
            )
        return result, *torch.autograd.grad(result, inputs, torch.ones_like(result))

    return forward_and_backward


def _arguments(case: Case, implementation: Implementation, inputs: Pair) -> tuple[object, ...]:
    x, y = inputs
    if implementation.task not in ALL_PAIRS:
        return x, y, case.dim
    corpus = implementation.prepare(y) if implementation.prepare else y
    return (x, corpus, case.k) if implementation.task == "top_k" else (x, corpus)


def as_tuple(result: object) -> tuple[object, ...]:
    """`(result,)`, `(values, indices)` of "top_k", or `(result, dx, dy)` of a call with gradients."""
    return result if isinstance(result, tuple) else (result,)


def gradient_mode(case: Case) -> torch.set_grad_enabled:
    """The gradient mode for calls of the case's contestants."""
    return torch.set_grad_enabled(_backward(case))


def _backward(case: Case) -> bool:
    return case.direction == "forward+backward"
