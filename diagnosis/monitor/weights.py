"""How much a module's weights grow: a learning rate that is too high shows there even if outputs are normalised."""

from collections import deque

import numpy as np
import torch
from torch import nn
from torch.linalg import vector_norm

MATRICES, ROWS = 16, 64  # at most, so that the cost does not grow with the model
INITIAL = 1 / 3  # expected squared norm of a row as torch initialises Linear and Conv


class Weights:
    """The norms of a module's trained weight matrices over the last `window` steps."""

    def __init__(self, module: nn.Module, window: int) -> None:
        self._module, self._window = module, window
        self._norms: deque[tuple[int, np.ndarray[tuple[int], np.dtype[np.float32]]]] = deque()

    def growth(self, step: int) -> float:
        """The median over the matrices of norm now / norm `window` steps ago; 1 without matrices.

        A matrix that started smaller than torch's initialisation counts as initialised: from near zero, any factor is
        healthy.
        """
        tables = self._tables()
        if not tables:
            return 1.0
        now = torch.stack([vector_norm(table, dtype=torch.float32) for table in tables]).cpu().numpy()
        if self._norms and len(self._norms[0][1]) != len(now):  # layers were frozen or thawed
            self._norms.clear()
        self._norms.append((step, now))
        while step - self._norms[0][0] > self._window:
            self._norms.popleft()
        usual = np.sqrt([INITIAL * len(table) for table in tables])
        return float(np.median(now / np.maximum(self._norms[0][1], usual)))

    def _tables(self) -> list[torch.Tensor]:
        """The first rows of some matrices. DTensors (FSDP) are left out: their norm needs all processes."""
        weights = [one for one in self._module.parameters() if one.requires_grad and one.ndim > 1]
        plain = [one.detach() for one in weights if type(one) is nn.Parameter]
        return [one[:ROWS] for one in plain[:: max(1, -(-len(plain) // MATRICES))]]
