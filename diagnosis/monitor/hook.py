"""The monitor: a forward hook that samples the embeddings at intervals, and warns once."""

import operator
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.hooks import RemovableHandle

from diagnosis.monitor.collapse import Collapse, CollapseWarning, Watch
from diagnosis.monitor.curve import CurveFile, table
from diagnosis.monitor.harmless import Unwatched, harmless, never_raised, warn
from diagnosis.monitor.health import RANK
from diagnosis.monitor.metrics import metrics_of
from diagnosis.monitor.noiseless import Noiseless
from diagnosis.monitor.outputs import LEAST, MOST, NO_STEP, are_embeddings, check_arguments, thinned
from diagnosis.monitor.weights import Weights
from diagnosis.subject import DiagnosisError


class CollapseMonitor:
    """Warns when the embeddings that a module outputs collapse in training: since which step, and why.

        with CollapseMonitor(model, curve="curve.csv") as monitor:
            train(model)

    **Steps** count from 0. A step ends when an optimiser of torch.optim has stepped after the module was called,
    however often: a Siamese network calls it twice, accumulated gradients once per part of a batch. Calls in eval mode,
    calls without gradients, and embeddings that need none do not count. In a loop without such an optimiser call
    `step()`; from then on nothing else ends a step.

    **A collapse** means that a metric leaves its own healthy range and does not return. A high mean cosine alone is no
    collapse. One from before the first step looks like a network that has not learnt yet, unless all directions are
    equal: use `diagnose` for it.

    **Noise.** Where training mode adds to the outputs, as dropout does, samples are taken without it: at the end of a
    sampled step the network runs once more on 32 items, in eval mode apart from batch normalisation. The network is the
    outermost module around the call, so watching a head is enough if the whole network is called as one module. What is
    sharded (FSDP), scripted, or raises when it runs once more is sampled with its noise.

    Outputs, gradients, random states, weights, buffers and attributes stay as they are; no graph is kept. State
    elsewhere is shared: in globals, in classes, and inside attributes that are neither modules nor containers. What
    fails in the monitor is a warning, and the training goes on unwatched. A pickled module is not watched either.

    A sample waits for the device. For DataParallel pass the wrapper: calls of its replicas are not seen. In
    DistributedDataParallel each process watches its own batches. Pass a compiled module itself, or a submodule of it
    before the first call: later hooks are not compiled in.

    Args:
        module: its output is the embeddings, `[N, ..., D]`, floating point, on any device.
        window: length of the healthy range, in steps.
        every: sampling interval in steps; every step once a metric looks abnormal.
        dimensions: a participation ratio below this is a collapse too, unless the rows form clusters. Two learnt
            classes, or one learnt number, leave 1.01; 1.5 sees more where there is more to learn.
        curve: a CSV file for the metrics of all samples, written after a collapse and by `detach`.

    Raises:
        DiagnosisError: bad arguments, such as a file that can't be written; or, when the module is called for the first
            time, an output that is no floating-point tensor.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        window: int = 500,
        every: int = 25,
        dimensions: float = RANK.most,
        curve: str | Path | None = None,
    ) -> None:
        check_arguments(module, every, window)
        self._module, self._every, self._file = module, every, CurveFile(curve)
        self._watch, self._weights = Watch(window, dimensions), Weights(module, window)
        self._handles: tuple[RemovableHandle, ...] = ()
        self._step = self._next = self._calls = 0
        self._explicit = self._called = self._failed = False
        self._rows: list[torch.Tensor] = []
        self._noiseless = Noiseless(module, window)

    @property
    def collapse(self) -> Collapse | None:
        """The collapse that was warned of, if any."""
        return self._watch.collapse

    def __enter__(self) -> "CollapseMonitor":
        self.attach()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.detach()
        else:
            with never_raised(), harmless(warn):
                self._stop()

    def __reduce__(self) -> tuple[type[Unwatched], tuple[()]]:
        return Unwatched, ()

    def __deepcopy__(self, memo: dict[int, Any]) -> "CollapseMonitor":
        return self  # a copy of the module, such as its moving average, is not watched

    def attach(self) -> None:
        """Start or resume watching."""
        if not self._handles:
            calls = self._module.register_forward_hook(self._call)
            self._handles = calls, register_optimizer_step_post_hook(self._update)

    def detach(self) -> None:
        """Stop watching, and write the curve."""
        if self._stop() and not self._step and not self._failed:
            warnings.warn(NO_STEP.format(calls=self._calls, module=type(self._module).__name__), stacklevel=2)

    def step(self, number: int | None = None) -> None:
        """End a step; `number` counts finished steps, by default one more than before. The same number ends none."""
        self._explicit = True
        number = self._step + 1 if number is None else operator.index(number)
        if number != self._step:
            self._end(number)

    def curve(self) -> pd.DataFrame:
        """One row per sample with its metrics; `collapsed` is true from the step where the collapse began."""
        return table(self._watch.samples, self.collapse.began if self.collapse else None)

    def plot(self, path: str | Path) -> None:
        """Save the curve as PNG."""
        from diagnosis.report.training import picture  # matplotlib and scikit-learn take seconds to import

        picture(self.curve(), Path(path))

    def _call(self, module: nn.Module, given: Any, embeddings: Any) -> None:
        if module is not self._module or not module.training or self._failed:
            return
        if not are_embeddings(embeddings):
            self._refuse(type(module).__name__, type(embeddings).__name__)
        elif embeddings.requires_grad:
            self._calls, self._called = self._calls + 1, True
            if self._step >= self._next and sum(map(len, self._rows)) < 2 * MOST:
                with harmless(self._fail):
                    self._rows.append(thinned(embeddings).clone())  # others may write into the output
                    self._noiseless.keep(self._step, embeddings)

    def _update(self, *_: Any) -> None:
        if self._called and not self._explicit:
            self._end(self._step + 1)

    def _end(self, number: int) -> None:
        enough = sum(map(len, self._rows)) >= LEAST
        try:
            if enough and not self._failed:
                with harmless(self._fail):
                    found = [thinned(one) for one in self._noiseless.outputs(self._step)]
                    noiseless = sum(map(len, found)) >= LEAST
                    self._sample(torch.cat(found if noiseless else self._rows), noiseless=noiseless)
        finally:
            self._rows = [] if enough else self._rows
            self._step, self._called = number, False

    def _sample(self, rows: torch.Tensor, *, noiseless: bool) -> None:
        rows = rows[:: -(-len(rows) // MOST)]
        self._weights.record(self._step)
        sample = metrics_of(self._step, rows)
        found = self._watch.add(sample, rows, self._weights.growth, noiseless=noiseless)
        self._next = self._step + (1 if self._watch.suspicious else self._every)
        if found:
            try:
                warnings.warn(f"{type(self._module).__name__}: {found}", CollapseWarning, stacklevel=2)
            finally:  # the filter may make it an error
                self._file.write(self.curve())

    def _stop(self) -> bool:
        """Remove the hooks, and write the curve; whether there were any."""
        handles, self._handles = self._handles, ()
        for handle in handles:
            handle.remove()
        if handles:
            self._file.write(self.curve())
        return bool(handles)

    def _refuse(self, module: str, output: str) -> None:
        """An error at the first call; a warning in a training that is under way."""
        said = f"the {module} put out a {output}, not embeddings [N, ..., D] in floating point"
        if not self._calls:
            raise DiagnosisError(f"{said}; hand over the module whose output they are")
        self._fail(said)

    def _fail(self, said: str) -> None:
        """Watch no more. The hooks stay: optimisers run them in a loop that allows no removal."""
        self._failed = True
        warn(f"stops watching, and the training goes on: {said}")
