"""How much a module's weights grow: a learning rate that is too high shows there even if outputs are normalised."""

import math
import statistics
from collections import deque

import torch
from torch import nn
from torch.linalg import vector_norm

MATRICES, ROWS = 16, 64  # at most, so that the cost does not grow with the model
RECORDS = 5  # a window
INITIAL = 1 / 3  # expected squared norm of a row as torch initialises Linear and Conv


class Weights:
    """The norms of a module's trained weight matrices over the last `window` steps."""

    def __init__(self, module: nn.Module, window: int) -> None:
        self._module, self._window = module, window
        self._norms: deque[tuple[int, list[float]]] = deque()

    def record(self, step: int) -> None:
        """Take the norms of this step as a level for later ones, `RECORDS` times a window."""
        if not self._norms or (step - self._norms[-1][0]) * RECORDS >= self._window:
            self._norms.append((step, self._now()))
            while step - self._norms[0][0] > self._window:
                self._norms.popleft()

    def growth(self) -> float:
        """The median over the matrices of norm now / norm in the oldest record of the window; 1 without any.

        A matrix that was smaller than torch would initialise it counts as initialised: from near zero, any factor is
        healthy.
        """
        now = self._now()
        if self._norms and len(self._norms[0][1]) != len(now):  # layers were frozen or thawed
            self._norms.clear()
        if not now or not self._norms:
            return 1.0
        usual = [math.sqrt(INITIAL * len(table)) for table in self._tables()]
        return statistics.median(a / max(b, c) for a, b, c in zip(now, self._norms[0][1], usual, strict=True))

    def _now(self) -> list[float]:
        norms = [vector_norm(table, dtype=torch.float32) for table in self._tables()]
        return torch.stack(norms).tolist() if norms else []

    def _tables(self) -> list[torch.Tensor]:
        """The first rows of some matrices. DTensors (FSDP) are left out: their norm needs all processes."""
        weights = [one for one in self._module.parameters() if one.requires_grad and one.ndim > 1]
        plain = [one.detach() for one in weights if type(one) is nn.Parameter]
        return [one[:ROWS] for one in plain[:: max(1, -(-len(plain) // MATRICES))]]
