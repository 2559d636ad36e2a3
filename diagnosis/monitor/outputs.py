"""What a module puts out, the rows of it that make a sample, and the arguments of a monitor."""

import torch
from torch import nn

from diagnosis.signature.rows import rows
from diagnosis.subject import DiagnosisError

MOST, LEAST = 64, 16  # rows of a sample; smaller batches are gathered over several steps

NO_STEP = (
    "CollapseMonitor saw {calls} calls of the {module} in train mode with gradients, and no step; hand over the module "
    "that is called itself, neither one inside DataParallel nor one that was compiled before, and call step() where no "
    "optimiser of torch.optim steps"
)


def check_arguments(module: object, every: object, window: object) -> None:
    """Check that there is a module to watch, and that the range is longer than the interval.

    Raises:
        DiagnosisError: one of them is something else.
    """
    if not isinstance(module, nn.Module):
        raise DiagnosisError(f"module is a {type(module).__name__}; hand over the nn.Module that computes embeddings")
    if not (isinstance(every, int) and isinstance(window, int) and 1 <= every <= window):
        raise DiagnosisError(f"every={every} and window={window}; needed is 1 <= every <= window, such as 25 and 500")


def are_embeddings(output: object) -> bool:
    """Whether it is a dense tensor in floating point, with rows."""
    if not isinstance(output, torch.Tensor) or output.is_nested or output.layout != torch.strided:
        return False
    return output.is_floating_point() and output.ndim > 0


def thinned(embeddings: torch.Tensor) -> torch.Tensor:
    """At most `MOST` rows, `[M, D]`. An odd stride does not hit the same tokens of each sequence."""
    table = rows(embeddings.detach(), -1)
    return table[:: -(-len(table) // MOST) | 1]
