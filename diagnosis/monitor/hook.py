"""The monitor: a forward hook that looks at the embeddings now and then, and warns once."""

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
from diagnosis.monitor.look import look
from diagnosis.signature.rows import rows
from diagnosis.subject import DiagnosisError

MOST, LEAST = 64, 16  # rows of a look; of smaller batches it takes several steps


class CollapseMonitor:
    """Warns when the embeddings that a module puts out collapse in training: since which step, and by what.

        with CollapseMonitor(model.head, curve="curve.csv") as monitor:
            train(model)

    **A step** ends when an optimiser of torch.optim has stepped after the module was called, however often: a Siamese
    network calls it twice, accumulated gradients for each part of a batch. Calls in eval mode, without gradients, or
    of embeddings that need none, do not count. Steps count from 0. In a loop without such an optimiser call `step()`:
    from then on nothing else ends one.

    **A collapse** is a figure that has left its own healthy range and does not return; a high mean cosine alone is
    none. One that was there before the first step is not told from a network that has not learnt yet, unless
    all directions are equal: that is for `diagnose`.

    Neither outputs, gradients nor random states are changed; no graph is kept; a look waits for the device. In
    DataParallel hand over the wrapper: its replicas' calls are not seen. In DistributedDataParallel each process
    watches its own batches. A compiled module is handed over itself, or a submodule of it before the first call: later
    hooks are not compiled in.

    Args:
        module: whose output are the embeddings, `[N, ..., D]`, floating point, on any device.
        window: steps that a healthy range is told from.
        every: steps from one look to the next; once a figure is out of order each step is looked at.
        dimensions: a participation ratio that has fallen below it is a collapse too, unless the rows are clusters. Two
            classes, or one number, that a network has learnt leave 1.01; 1.5 sees more where more is to be learnt.
        curve: a CSV file for the figures of all looks, written when a collapse is seen and by `detach`.
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
        self._watch = Watch(window, dimensions)
        self._handles: tuple[RemovableHandle, ...] = ()
        self._step = self._next = self._calls = 0
        self._explicit = self._called = False
        self._rows: list[torch.Tensor] = []

    @property
    def collapse(self) -> Collapse | None:
        """What was warned of; None as long as nothing was."""
        return self._watch.collapse

    def __enter__(self) -> "CollapseMonitor":
        self.attach()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()

    def __deepcopy__(self, memo: dict[int, Any]) -> "CollapseMonitor":
        return self  # a copy of the module, such as its moving average, is another module, which is not watched

    def attach(self) -> None:
        """Begin to watch, or go on."""
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
        """End a step; `number` is how many are done, one more than before if None, and the same number ends none."""
        self._explicit = True
        number = self._step + 1 if number is None else number
        if number != self._step:
            self._end(number)

    def curve(self) -> pd.DataFrame:
        """The figures of all looks, a row each; `collapsed` from the step on at which the collapse began."""
        return curves.table(self._watch.looks, self.collapse.began if self.collapse else None)

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
            table = rows(embeddings, -1)
            # An odd stride does not fall on the same tokens of each sequence. Others may write into what was put out.
            self._rows.append(table[:: -(-len(table) // MOST) | 1].clone())

    def _update(self, *_: Any) -> None:
        if self._called and not self._explicit:
            self._end(self._step + 1)

    def _end(self, number: int) -> None:
        if sum(map(len, self._rows)) >= LEAST:
            seen = torch.cat(self._rows)
            self._look(seen[:: -(-len(seen) // MOST)])
            self._rows.clear()
        self._step, self._called = number, False

    def _look(self, seen: torch.Tensor) -> None:
        found = self._watch.add(look(self._step, seen), seen)
        self._next = self._step + (1 if self._watch.suspicious else self._every)
        if found:
            self._write()
            warnings.warn(f"{type(self._module).__name__}: {found}", CollapseWarning, stacklevel=2)

    def _write(self) -> None:
        if self._path:
            self.curve().to_csv(self._path, index=False)
