"""The monitor: a forward hook that samples the embeddings at intervals, and warns once."""

import warnings
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.hooks import RemovableHandle

from diagnosis.monitor import curve as curves
from diagnosis.monitor.collapse import Collapse, CollapseWarning, Watch
from diagnosis.monitor.health import RANK
from diagnosis.monitor.metrics import metrics_of
from diagnosis.monitor.noiseless import Noiseless
from diagnosis.monitor.weights import Weights
from diagnosis.signature.rows import rows
from diagnosis.subject import DiagnosisError

MOST, LEAST = 64, 16  # rows of a sample; smaller batches are gathered over several steps


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
    elsewhere is shared: in globals, in classes, and inside attributes that are neither modules nor containers.

    A sample waits for the device. For DataParallel pass the wrapper: calls of its replicas are not seen. In
    DistributedDataParallel each process watches its own batches. Pass a compiled module itself, or a submodule of it
    before the first call: later hooks are not compiled in.

    Args:
        module: its output is the embeddings, `[N, ..., D]`, floating point, on any device.
        window: length of the healthy range, in steps.
        every: sampling interval in steps; every step once a metric looks abnormal.
        dimensions: a participation ratio below this is a collapse too, unless the rows form clusters. Two learnt
            classes, or one learnt number, leave 1.01; 1.5 sees more where there is more to learn.
        curve: a CSV file for the metrics of all samples, written on a collapse and by `detach`.

    Raises:
        DiagnosisError: bad arguments; or, when the module is called, an output that is no floating-point tensor.
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
        if not isinstance(module, nn.Module):
            raise DiagnosisError(
                f"module is a {type(module).__name__}; hand over the nn.Module that computes embeddings"
            )
        if not 1 <= every <= window:
            raise DiagnosisError(
                f"every={every} and window={window}; needed is 1 <= every <= window, such as 25 and 500"
            )
        self._module, self._every, self._path = module, every, Path(curve) if curve else None
        self._watch, self._weights = Watch(window, dimensions), Weights(module, window)
        self._handles: tuple[RemovableHandle, ...] = ()
        self._step = self._next = self._calls = 0
        self._explicit = self._called = False
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
        self.detach()

    def __deepcopy__(self, memo: dict[int, Any]) -> "CollapseMonitor":
        return self  # a copy of the module, such as its moving average, is not watched

    def attach(self) -> None:
        """Start or resume watching."""
        if not self._handles:
            calls = self._module.register_forward_hook(self._call)
            self._handles = calls, register_optimizer_step_post_hook(self._update)

    def detach(self) -> None:
        """Stop watching, and write the curve."""
        if not self._handles:
            return
        for handle in self._handles:
            handle.remove()
        self._handles = ()
        self._write()
        if not self._step:
            warnings.warn(
                f"CollapseMonitor saw {self._calls} calls of the {type(self._module).__name__} in train mode with "
                "gradients, and no step; hand over the module that is called itself, neither one inside DataParallel "
                "nor one that was compiled before, and call step() where no optimiser of torch.optim steps",
                stacklevel=2,
            )

    def step(self, number: int | None = None) -> None:
        """End a step; `number` counts finished steps, by default one more than before. The same number ends none."""
        self._explicit = True
        number = self._step + 1 if number is None else number
        if number != self._step:
            self._end(number)

    def curve(self) -> pd.DataFrame:
        """One row per sample with its metrics; `collapsed` is true from the step where the collapse began."""
        return curves.table(self._watch.samples, self.collapse.began if self.collapse else None)

    def plot(self, path: str | Path) -> None:
        """Save the curve as PNG."""
        from diagnosis.report.training import picture  # matplotlib and scikit-learn take seconds to import

        picture(self.curve(), Path(path))

    def _call(self, module: nn.Module, given: Any, embeddings: Any) -> None:
        if module is not self._module or not module.training:
            return
        if not isinstance(embeddings, torch.Tensor) or not embeddings.is_floating_point() or not embeddings.ndim:
            raise DiagnosisError(
                f"the {type(module).__name__} put out a {type(embeddings).__name__}, not embeddings [N, ..., D] in "
                "floating point; hand over the module whose output they are"
            )
        if not embeddings.requires_grad:
            return
        self._calls, self._called = self._calls + 1, True
        if self._step >= self._next and sum(map(len, self._rows)) < 2 * MOST:
            self._rows.append(_thinned(embeddings).clone())  # others may write into the output
            self._noiseless.keep(self._step, embeddings)

    def _update(self, *_: Any) -> None:
        if self._called and not self._explicit:
            self._end(self._step + 1)

    def _end(self, number: int) -> None:
        if sum(map(len, self._rows)) >= LEAST:
            found = [_thinned(one) for one in self._noiseless.outputs(self._step)]
            noiseless = sum(map(len, found)) >= LEAST
            self._sample(torch.cat(found if noiseless else self._rows), noiseless=noiseless)
            self._rows.clear()
        self._step, self._called = number, False

    def _sample(self, table: torch.Tensor, *, noiseless: bool) -> None:
        table = table[:: -(-len(table) // MOST)]
        self._weights.record(self._step)
        sample = metrics_of(self._step, table)
        found = self._watch.add(sample, table, self._weights.growth, noiseless=noiseless)
        self._next = self._step + (1 if self._watch.suspicious else self._every)
        if found:
            self._write()
            warnings.warn(f"{type(self._module).__name__}: {found}", CollapseWarning, stacklevel=2)

    def _write(self) -> None:
        if self._path:
            self.curve().to_csv(self._path, index=False)


def _thinned(embeddings: torch.Tensor) -> torch.Tensor:
    """At most `MOST` rows, `[M, D]`. An odd stride does not hit the same tokens of each sequence."""
    table = rows(embeddings.detach(), -1)
    return table[:: -(-len(table) // MOST) | 1]
