"""Contestants that are wrong, cheat or misbehave, and the expected reason for each.

Each entry is a function that makes a fresh contestant, and a pattern of the reason or evidence that names its fault.
"""

import math
import os
import random
import resource
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from suites.measure import clock as clocks
from suites.measure.honesty import Inspector
from suites.truth import oracle

Fn = Callable[..., object]
Cheat = tuple[Callable[[], Fn], str]  # a function that makes one, and a pattern of the expected reason
Deed = Callable[[torch.Tensor, torch.Tensor], object]


def cosine(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.cosine_similarity(x, y, dim=-1)


class Clock:
    """A clock that counts 10 µs per call with 1 % noise, plus the time that contestants add to `dawdled`."""

    def __init__(self) -> None:
        self.start()

    def start(self, call_s: float = 1e-5) -> None:
        self.time = self.dawdled = 0.0
        self._call_s, self._noise = call_s, np.random.default_rng(0)

    def __call__(self, call: Callable[[], object], calls: int) -> tuple[float, object]:
        before = self.dawdled
        for _ in range(calls):
            result = call()
        seconds = self._call_s * calls * float(self._noise.lognormal(0, 0.01)) + self.dawdled - before
        self.time += seconds
        return seconds, result


CLOCK = Clock()


# Always wrong


def stale() -> Fn:
    """Returns the result of the previous call."""
    results: list[torch.Tensor] = []

    def fn(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        results.append(cosine(x, y))
        return results.pop(0) if len(results) > 1 else results[0].clone()

    return fn


# Forbidden changes


def after(calls: int, deed: Deed, last: float = math.inf) -> Callable[[], Fn]:
    """Right results, and `deed` after each call later than number `calls`, up to number `last`."""

    def make() -> Fn:
        made = count(1)

        def fn(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
            result = cosine(x, y)
            if calls < next(made) <= last:
                with torch.no_grad():
                    deed(x, y)
            return result

        return fn

    return make


def once(call: int, deed: Deed) -> Callable[[], Fn]:
    """Right results, and `deed` after call number `call` alone."""
    return after(call - 1, deed, last=call)


def put(owner: object, name: str, value: object) -> Callable[..., None]:
    return lambda x, y: setattr(owner, name, value)


def and_raises(x: torch.Tensor, y: torch.Tensor) -> None:
    x.neg_()
    raise RuntimeError("tired")


# Skipped work


def remembers(key: Callable[[torch.Tensor, torch.Tensor], object]) -> Callable[[], Fn]:
    """Computes once for each key."""

    def make() -> Fn:
        cache: dict[object, torch.Tensor] = {}

        def fn(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
            if key(x, y) not in cache:
                cache[key(x, y)] = cosine(x, y)
            return cache[key(x, y)].clone()

        return fn

    return make


def remembers_normalized(which: int) -> Callable[[], Fn]:
    """Normalises one operand once."""

    def make() -> Fn:
        cache: dict[int, torch.Tensor] = {}

        def fn(*operands: torch.Tensor, dim: int = -1) -> torch.Tensor:
            one = operands[which]
            if id(one) not in cache:
                cache[id(one)] = F.normalize(one, dim=-1)
            return (cache[id(one)] * F.normalize(operands[1 - which], dim=-1)).sum(-1)

        return lambda x, y, dim=-1: fn(x, y)

    return make


def knows_the_warm_up(then: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], Fn]:
    """Right for the first five calls, then no work."""

    def make() -> Fn:
        results: list[torch.Tensor] = []

        def fn(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
            if len(results) < 5:
                results.append(cosine(x, y))
                return results[-1]
            return then(results[0])

        return fn

    return make


class Lazy(torch.Tensor):
    """Computes on first use, not in the timed call."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        args = tuple(cosine(*a.operands) if isinstance(a, Lazy) else a for a in args)
        return func(*args, **(kwargs or {}))


def lazy(first: int) -> Callable[[], Fn]:
    def make() -> Fn:
        made = count(1)

        def fn(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
            if next(made) < first:
                return cosine(x, y)
            result = torch.empty(len(x)).as_subclass(Lazy)
            result.operands = (x, y)  # type: ignore[attr-defined]
            return result

        return fn

    return make


def fill_later(out: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> None:
    time.sleep(0.01)
    out.copy_(cosine(x, y))


def thread(first: int) -> Callable[[], Fn]:
    """Returns at once; a thread fills the result later."""

    def make() -> Fn:
        made = count(1)

        def fn(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
            if next(made) < first:
                return cosine(x, y)
            out = torch.zeros(len(x))
            threading.Thread(target=fill_later, args=(out, x, y), name="elf").start()
            return out

        return fn

    return make


POOLS: list[ThreadPoolExecutor] = []


def executor() -> Fn:
    """Like `thread`, with a pool whose thread is otherwise idle."""
    pool, made = ThreadPoolExecutor(1), count(1)
    pool.submit(int)
    POOLS.append(pool)

    def fn(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        if next(made) < 2500:
            return cosine(x, y)
        out = torch.zeros(len(x))
        pool.submit(fill_later, out, x, y)
        return out

    return fn


def works_last(x: torch.Tensor, y: torch.Tensor, made: list[torch.Tensor]) -> torch.Tensor:
    """Reads in a caller's frame how many calls the clock makes, and computes in the last one only."""
    frame: Any = sys._getframe(1)
    while frame and "calls" not in frame.f_locals:
        frame = frame.f_back
    if frame and made and len(made) % frame.f_locals["calls"]:
        made.append(made[0])
        return torch.zeros_like(made[0])
    made.append(cosine(x, y))
    return made[-1]


def reads_the_frame() -> Fn:
    made: list[torch.Tensor] = []
    return lambda x, y, dim=-1: works_last(x, y, made)


def without_work(call: Callable[[], object], calls: int, now: object = None) -> tuple[float, object]:
    return 1e-9 * calls, call()


# Right, but flagged


def sped_up() -> Fn:
    """Three times faster after a thousand calls."""
    made = count(1)

    def fn(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        if next(made) <= 1000:
            CLOCK.dawdled += 2e-5
        return cosine(x, y)

    return fn


def hoards() -> Fn:
    results: list[torch.Tensor] = []

    def fn(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        results.append(cosine(x, y))
        return results[-1]

    return fn


def one_buffer() -> Fn:
    """A view of a buffer that the next call overwrites: saves no work, but a result must be used at once."""
    buffer = torch.empty(16)

    def fn(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        return buffer[: len(x)].copy_(cosine(x, y))

    return fn


class Remembered(torch.autograd.Function):
    """Right results with gradients passed in by the caller."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor, dx: torch.Tensor, dy: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(dx, dy)
        return cosine(x, y)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        return *(g.clone() for g in ctx.saved_tensors), None, None


def remembers_gradients(calls: int, then: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], Fn]:
    """Computes gradients in the first `calls` calls, and then returns `then` of the last ones."""

    def make() -> Fn:
        made, gradients = count(1), list[torch.Tensor]()

        def fn(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> Any:
            number = next(made)
            if number <= calls:
                leaves = [t.detach().requires_grad_() for t in (x, y)]
                gradients[:] = torch.autograd.grad(cosine(*leaves).sum(), leaves)
            return Remembered.apply(x, y, *(gradients if number <= calls else map(then, gradients)))

        return fn

    return make


# The tables


def just(fn: Fn) -> Callable[[], Fn]:
    return lambda: fn


NEW = r"does not compute anew when its inputs change in place: the largest error is [12]"
UNLIKE = "a timed call, unlike the first one: the largest error is"
BACKGROUND = "left work to the thread 'elf', which outlived the call"
PRECISION = "changed the float32 matmul precision"
CHEATS = {
    "zeros": (just(lambda x, y, dim: 0 * cosine(x, y)), "^the largest error is"),
    "NaN": (just(lambda x, y, dim: cosine(x, y) * torch.nan), "8 of 8 results are NaN"),
    "wrong dim": (just(lambda x, y, dim: F.cosine_similarity(x, y, dim=0)), "^the largest error is"),
    "swapped rows": (just(lambda x, y, dim: cosine(x, y).roll(1)), "^the largest error is"),
    "stale output": (stale, NEW),
    "changes x at once": (after(0, lambda x, y: x.neg_()), "^changed its input x$"),
    "changes y from the 50th call on": (after(49, lambda x, y: y.zero_()), "^changed its input y$"),
    "scales both while timed": (after(2500, lambda x, y: (x.mul_(2), y.mul_(2))), r"^in round \d+: .* input x and y$"),
    "scales x once while timed": (once(2500, lambda x, y: x.mul_(2)), "changed its input x$"),
    "changes x unseen by torch": (after(2500, lambda x, y: x.data.fill_(1)), "changed its input x$"),
    "changes y through NumPy": (after(2500, lambda x, y: y.numpy().fill(1)), "changed its input y$"),
    "remembers by id": (remembers(lambda x, y: (id(x), id(y))), NEW),
    "remembers by address": (remembers(lambda x, y: (x.data_ptr(), y.data_ptr())), NEW),
    "remembers by shape": (remembers(lambda x, y: x.shape), NEW),
    "remembers by version": (remembers(lambda x, y: (id(x), x._version, y._version)), NEW),
    "remembers by a glance at the data": (remembers(lambda x, y: (x[0, 0].item(), y[0, 0].item())), NEW),
    "remembers half of the work": (remembers_normalized(0), NEW),
    "remembers the other half": (remembers_normalized(1), NEW),
    "knows the warm-up": (knows_the_warm_up(torch.zeros_like), UNLIKE),
    "knows the warm-up, remembers": (knows_the_warm_up(torch.clone), NEW),
    "lazy": (lazy(1), r"returned a Lazy, a subclass of torch\.Tensor"),
    "lazy later": (lazy(100), r"returned a Lazy, a subclass of torch\.Tensor"),
    "background thread": (thread(1), f"^{BACKGROUND}"),
    "background thread later": (thread(2500), f"^{BACKGROUND}"),
    "background pool": (executor, "left work to the thread 'ThreadPoolExecutor.*, which outlived the call"),
    "patched timer": (after(0, put(time, "perf_counter", lambda: 0.0)), r"^replaced time\.perf_counter$"),
    "patched clock": (
        after(100, put(clocks, "perf_counter", float)),
        r"^replaced suites\.measure\.clock\.perf_counter$",
    ),
    "patched oracle": (
        after(0, put(oracle, "truth", lambda case, x, y: cosine(x, y))),
        r"^replaced suites\.truth\.oracle\.truth$",
    ),
    "patched statistics": (after(0, put(statistics, "median", min)), r"^replaced statistics\.median$"),
    "patched NumPy": (after(2500, put(np, "median", np.min)), r"replaced numpy\.median$"),
    "patched torch": (after(0, put(torch, "equal", lambda a, b: True)), r"^replaced torch\.equal$"),
    "number of threads": (after(0, lambda x, y: torch.set_num_threads(2)), "^changed the number of threads$"),
    "threads once": (
        once(2500, lambda x, y: torch.set_num_threads(2)),
        r"^in round \d+: changed the number of threads$",
    ),
    "random state": (after(0, lambda x, y: torch.rand(1)), "^changed the random state of torch$"),
    "Python's random state": (after(100, lambda x, y: random.random()), "^changed the random state of Python$"),
    "NumPy's random state": (after(2500, lambda x, y: np.random.rand()), "changed the random state of NumPy$"),
    "precision": (after(0, lambda x, y: torch.set_float32_matmul_precision("medium")), f"^{PRECISION}$"),
    "newer precision": (after(50, put(torch.backends.mkldnn.matmul, "fp32_precision", "bf16")), f"^{PRECISION}$"),  # type: ignore[attr-defined]
    "default dtype": (after(0, lambda x, y: torch.set_default_dtype(torch.float64)), "^changed the default dtype$"),
    "gradient mode": (
        just(lambda x, y, dim: (cosine(x, y), torch.set_grad_enabled(True))[0]),
        "^changed gradient mode$",
    ),
    "deterministic": (after(2500, lambda x, y: torch.use_deterministic_algorithms(True)), "deterministic algorithms$"),
}
PROCESS: dict[str, tuple[Deed, str]] = {
    "flush": (lambda x, y: torch.set_flush_denormal(True), "changed whether subnormal numbers are flushed to zero"),
    "default device": (lambda x, y: torch.set_default_device("meta"), "changed the default device"),
    "the usual default device": (lambda x, y: torch.set_default_device("cpu"), "changed the default device"),
    "affinity": (lambda x, y: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}), "changed the CPU affinity"),
    "nice": (lambda x, y: os.nice(1), "changed the priority"),
    "umask": (lambda x, y: os.umask(0o123), "changed the umask"),
    "folder": (lambda x, y: os.chdir("/"), "changed the working folder"),
    "environment": (lambda x, y: os.environ.update(OMP_NUM_THREADS="7", NEW="1"), "changed the environment"),
    "environment removed": (lambda x, y: os.environ.pop("PATH", None), "changed the environment"),
    "floating-point errors": (lambda x, y: np.seterr(all="raise"), "changed NumPy's handling of floating-point errors"),
    "handlers": (lambda x, y: signal.signal(signal.SIGTERM, signal.SIG_IGN), "changed the handlers of signals"),
    "alarm": (lambda x, y: signal.alarm(1000), "changed the alarm"),
    "limits": (
        lambda x, y: resource.setrlimit(resource.RLIMIT_NOFILE, (99, resource.getrlimit(resource.RLIMIT_NOFILE)[1])),
        "changed the limits of the process",
    ),
    "autocast": (lambda x, y: torch.set_autocast_enabled("cpu", True), "changed autocast"),
    "anomaly detection": (lambda x, y: torch.autograd.set_detect_anomaly(True), "changed anomaly detection"),
    "profile": (lambda x, y: sys.setprofile(lambda *args: None), "changed the profile function"),
    "switch interval": (lambda x, y: sys.setswitchinterval(1.0), "changed the switch interval of threads"),
    "cuDNN": (put(torch.backends.cudnn, "benchmark", True), "changed cuDNN's switches"),
    "torch.cosine_similarity": (put(torch, "cosine_similarity", cosine), r"replaced torch\.cosine_similarity"),
    "F.normalize": (put(F, "normalize", cosine), r"replaced torch\.nn\.functional\.normalize"),
    "the code of F.normalize": (
        lambda x, y: setattr(F.normalize, "__code__", without_work.__code__),
        r"replaced the code of torch\.nn\.functional\.normalize",
    ),
    "a method": (
        put(Inspector, "_spot_check", without_work),
        r"replaced suites\.measure\.honesty\.Inspector\._spot_check",
    ),
    "a method of torch": (put(torch.Tensor, "sum", cosine), r"replaced torch\.Tensor\.sum"),
    "a builtin": (put(oracle, "len", int), r"replaced suites\.truth\.oracle\.len"),
    "NumPy's norm": (put(np.linalg, "norm", without_work), r"replaced numpy\.linalg\.norm"),
}
"""Deeds that change this process for others, and the expected reason."""
TIRED = {
    "raises while timed": (after(2500, lambda x, y: 1 / 0), r"^in round \d+: ZeroDivisionError"),
    "raises and changes x": (after(2500, and_raises), r"^in round \d+: RuntimeError: tired$"),
}
FLAGGED = {
    "three times faster after 1,000 calls": (sped_up, "sped_up", "calls 64 to 511 took .* times the time"),
    "hoards": (hoards, "leaks", "32 bytes stay allocated after each call"),
    "one buffer": (one_buffer, "reuses_result", "a call overwrites the result of the call before it"),
}


BACKWARD_CHEATS = {
    "remembers gradients": (
        remembers_gradients(1, torch.clone),
        "does not compute anew when its inputs change in place: the gradient of",
    ),
    "no gradients later": (remembers_gradients(9, torch.zeros_like), "unlike the first one: the gradient of x is off"),
    "gradient mode": (just(lambda x, y, dim: (cosine(x, y), torch.set_grad_enabled(False))[0]), "gradient mode$"),
    "changes a leaf's data": (after(300, lambda x, y: x.data.fill_(1)), "changed its input x$"),
}


LARGE_CASE = {
    "remembers by id": CHEATS["remembers by id"],
    "knows the warm-up": CHEATS["knows the warm-up"],
    "changes x unseen by torch": (after(40, lambda x, y: x.data.fill_(1)), "changed its input x$"),
    "changes one number": (after(40, lambda x, y: x.data[77].fill_(1)), "changed its input x$"),
    "random state": (after(40, lambda x, y: random.random()), "changed the random state of Python$"),
}


A_REAL_CLOCK = {
    "patched timer": CHEATS["patched timer"],
    "patched clock": (after(2, put(clocks, "perf_counter", float)), r"^replaced suites\.measure\.clock\.perf_counter$"),
    "remembers by id": CHEATS["remembers by id"],
    "background thread": CHEATS["background thread"],
    "reads the caller's frame": (reads_the_frame, "unlike the first one|compute anew|largest error"),
    "the clock's code": (
        after(2, lambda x, y: setattr(clocks.host_clock, "__code__", without_work.__code__)),
        r"replaced the code of suites\.measure\.clock\.host_clock$",
    ),
    "the clock's defaults": (
        after(2, lambda x, y: setattr(clocks.host_clock, "__defaults__", (lambda: 0.0,))),
        r"replaced the defaults of suites\.measure\.clock\.host_clock$",
    ),
}
