"""How far an implementation's answers on a family of inputs are from the truth."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np
import torch

from implementations import Implementation
from suites.errors.black_box import finding
from suites.errors.calls import moved, similarity, similarity_on
from suites.failure import Failure, contestant, unheard
from suites.families import FAMILIES, Family, Question, questions
from suites.families.rows import ROWS, WIDTH
from suites.inputs import InputError
from suites.measure.admission import unsupported
from suites.measure.sameness import same_bits
from suites.measure.world import World, threads
from suites.records.case import ALL_PAIRS, ROUNDOFFS
from suites.records.finding import Accuracy
from suites.records.record import Status
from suites.truth import oracle
from suites.truth.bound import bounds
from suites.truth.checks import dtypes_for, name_of, require_tensor
from suites.truth.deviation import Evaluation, deviation


def accuracy_of(entry: Implementation, name: str, dtype: str, device: str, *, compile_anew: bool = True) -> Accuracy:
    """Ask an implementation all questions of a family, and compare its answers with the truth.

    It is `wrong` if an error exceeds the bound of its stated arithmetic, if an answer is not finite where the truth
    is, or if an answer is a number where no true value exists.

    Args:
        entry: the contestant; of an all-pairs form the diagonal counts.
        name: of the family, a key of `FAMILIES`.
        dtype: of the inputs.
        device: the device type to ask it on.
        compile_anew: False to skip, for an implementation that compiles, what it would compile again for: unusual
            shapes, and one thread.
    """
    family, found, status, reason = FAMILIES[name], None, Status.OK, ""
    try:
        if failure := unsupported(entry, dtype, device) or _unanswerable(entry, family):
            raise failure
        asked, truths = _asked(name, dtype), _truths(name, dtype, "angle" if entry.task == "angle" else "paired")
        usual = not family.flushed and all(_is_usual(question, dtype) for question in asked)
        if not (usual or compile_anew):
            raise Failure(Status.UNSUPPORTED, "it would compile anew for this, for which this grid takes no time")
        with torch.no_grad(), _flushing(device) if family.flushed else nullcontext(), unheard(), _unchanged():
            answers = [_answers(entry, *pair, dtype, device) for pair in zip(asked, truths, strict=True)]
        one_similarity = all(question.slack == 1 for question in asked)  # others are differences, or gradients
        found = deviation(answers, cosines=one_similarity and entry.task != "angle")
        if fault := _fault(answers, None if family.instead and entry.task == "angle" else family.instead):
            status, reason = Status.WRONG, fault
    except Failure as failure:
        status, reason = failure.status, failure.reason
    except InputError as error:  # the family does not exist in this dtype, such as 1e20 in float16
        status, reason = Status.UNSUPPORTED, str(error)
    return finding(Accuracy, entry, dtype, device)(family=name, status=status, reason=reason, deviation=found)


def _unanswerable(entry: Implementation, family: Family) -> Failure | None:
    """Why the contestant cannot answer this family; None if it can."""
    if family.rows or entry.task == "paired":
        return None
    kind = "compares all pairs of rows" if entry.task in ALL_PAIRS else "gives angles"
    return Failure(Status.UNSUPPORTED, f"it {kind}; this asks for cosines of other forms")


def _is_usual(asked: Question, dtype: str) -> bool:
    return asked.ask is None and all(
        t.shape == (ROWS, WIDTH) and t.is_contiguous() and name_of(t.dtype) == dtype for t in (asked.x, asked.y)
    )


@functools.lru_cache(maxsize=1)  # one family at a time: the longest rows take half a GiB
def _asked(name: str, dtype: str) -> tuple[Question, ...]:
    return questions(name, dtype)


@functools.lru_cache(maxsize=2)  # cosines and angles
def _truths(name: str, dtype: str, task: str) -> tuple[oracle.Truth, ...]:
    return tuple(
        oracle.true_answers(task, asked.x, asked.y, asked.dim) if asked.truth is None else asked.truth
        for asked in _asked(name, dtype)
    )


@contextmanager
def _unchanged() -> Iterator[None]:
    """Restore what the contestant changes in this process, and raise a `Failure` that names it."""
    world, others = World.now(), threads()
    try:
        yield
        world.require(random_states=False, others=others)
    finally:
        world.restore()


@contextmanager
def _flushing(device: str) -> Iterator[None]:
    """Flush subnormal numbers to zero, on one thread: each thread has its own switch."""
    if device != "cpu":
        raise Failure(Status.UNSUPPORTED, f"whether {device} flushes subnormal numbers to zero cannot be switched")
    if not torch.set_flush_denormal(True):
        raise Failure(Status.UNSUPPORTED, "this processor cannot flush subnormal numbers to zero")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)


def _answers(entry: Implementation, asked: Question, truth: oracle.Truth, dtype: str, device: str) -> Evaluation:
    x, y = moved((asked.x, asked.y), device)
    before = x.clone(), y.clone()
    with contestant():
        result = asked.ask(partial(similarity_on, entry, device)) if asked.ask else similarity(entry, x, y, asked.dim)
    if not all(map(same_bits, (x, y), before)):
        _asked.cache_clear()  # the next contestants get the original inputs
        raise Failure(Status.WRONG, "changed its inputs")
    dtypes = dtypes_for(torch.promote_types(x.dtype, y.dtype))
    if asked.ask:  # its result, such as a difference of answers, is float64 on the CPU
        output, output_dtype = require_tensor(result, truth.shape, (*dtypes, torch.float64), "cpu"), dtype
    else:
        output = require_tensor(result, truth.shape, dtypes, device)
        output_dtype = name_of(output.dtype)
    wide = np.longdouble if truth.dtype == np.longdouble else np.float64
    values = output.detach().cpu().double().numpy().astype(wide)
    coarsest = max((dtype, *map(name_of, (x.dtype, y.dtype))), key=lambda t: ROUNDOFFS.get(t, 0))
    stated = asked.slack * bounds(entry, _length(asked), coarsest, output_dtype, truth)
    return Evaluation(values, truth, output_dtype, stated if asked.allowed is None else asked.allowed)


def _length(asked: Question) -> int:
    """How many products one cosine sums."""
    shape = list(torch.broadcast_shapes(asked.x.shape, asked.y.shape))
    length = 1
    for dim in (asked.dim,) if isinstance(asked.dim, int) else asked.dim:
        length *= shape[dim]
    return max(1, length)


def _fault(answers: list[Evaluation], instead: tuple[float, ...] | None) -> str:
    """What is wrong with the answers, in words; "" if they keep the contestant's bound.

    Where no true value exists, an answer may be NaN or one of `instead`; anything if `instead` is None.
    """
    for values, truth, _, allowed in answers:
        true, number = np.isfinite(truth), np.isfinite(values)
        if lost := int((true & ~number).sum()):
            return f"{lost} of {true.sum()} answers are NaN or infinite where the truth is finite"
        odd = values[(instead is not None) & ~true & ~np.isnan(values) & ~np.isin(values, instead or ())]
        if len(odd):
            return f"{len(odd)} of {(~true).sum()} pairs without a cosine have one, such as {odd[0]:.3g}"
        errors, limits = np.abs(values - truth)[true], np.broadcast_to(allowed, truth.shape)[true]
        if (errors > limits).any():
            worst = (errors / limits).argmax()
            return (
                f"off by {errors[worst]:.3g}, above {limits[worst]:.3g}, the most that its stated arithmetic explains"
            )
    return ""
