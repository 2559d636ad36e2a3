"""Contracts: what an implementation answers where a cosine is not defined or not representable, as measured."""

import dataclasses

import torch

from implementations import Implementation
from suites.errors.black_box import BlackBox, finding
from suites.errors.eps import WIDEST, eps_of
from suites.errors.questions import OF_FORM, OF_ROWS, Ask
from suites.failure import Failure, unheard
from suites.records.case import ROUNDOFFS
from suites.records.finding import Contract
from suites.records.record import Status

GRADIENT = "gradient at a zero row"
QUESTIONS = (*OF_ROWS, *OF_FORM)
"""All questions, in the order of tables."""


def contract_of(
    entry: Implementation, dtype: str, device: str, *, structural: bool = True, compile_anew: bool = True
) -> Contract:
    """The contract of one implementation, inferred from its answers to `QUESTIONS`. An error is an answer too.

    Args:
        entry: an implementation of the contract "paired", "pairwise" or "top_k"; of all pairs the diagonal counts.
        dtype: of the rows. The eps rule is inferred in this dtype, or else in a wider one.
        device: of the rows.
        structural: also ask `OF_FORM`, whose answers hardly depend on the dtype. Each of these questions has its own
            shape or dtype, for which a compiled implementation compiles again.
        compile_anew: False to skip `OF_FORM` and gradients, for an implementation that compiles.
    """
    found = finding(Contract, entry, dtype, device)
    box = BlackBox(entry, dtype, device)
    with torch.no_grad(), unheard():
        try:
            if entry.task == "angle":
                raise Failure(Status.UNSUPPORTED, "its answers are angles, and these questions are about cosines")
            error = box.ordinary_error()
        except Failure as failure:
            return found(status=failure.status, reason=failure.reason)
        box = dataclasses.replace(box, tolerance=max(8 * ROUNDOFFS[dtype], 2 * error))
        left_out = () if structural and compile_anew else tuple(OF_FORM)
        left_out += () if compile_anew else (GRADIENT,)
        asked = {name: question for name, question in (OF_ROWS | OF_FORM).items() if name not in left_out}
        seen = {name: _answer(asked[name], box) if name in asked else "not asked" for name in QUESTIONS}
        eps = eps_of(entry, device, (dtype, *(WIDEST if compile_anew else ())))
    return found(status=Status.OK, eps_rule=eps.rule, eps=eps.norm, answers=seen)


def _answer(ask: Ask, box: BlackBox) -> str:
    try:
        return ask(box)
    except Failure as failure:
        return type(failure.__cause__).__name__ if failure.__cause__ else failure.reason
