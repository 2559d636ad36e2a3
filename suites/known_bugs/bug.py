"""A bug report and its probe."""

import functools
import math
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions, version
from typing import Any

import torch

Function = Callable[..., Any]
"""The function or class that a report is about."""

COSINE = "torch.nn.functional:cosine_similarity"
NORMALIZE = "torch.nn.functional:normalize"
NORM = "torch.linalg:vector_norm"
LOSS = "torch.nn.functional:cosine_embedding_loss"

UNREPORTED = "not reported yet"
"""In place of `owner/repository#number`: we found the bug, and upstream has no report of it."""


@dataclass(frozen=True)
class Sighting:
    """What a probe saw: whether the bug happens, the value, and the right value."""

    happens: bool
    seen: str
    right: str


Probe = Callable[[Function], Sighting]


@dataclass(frozen=True)
class Bug:
    """A bug: `of`, a function as `module:name`, `what` is wrong with it, and the probe.

    `issue` is its report, `owner/repository#number`, or `UNREPORTED`.
    """

    name: str
    issue: str
    of: str
    what: str
    probe: Probe

    @property
    def function(self) -> Function:
        """The function that the probe gets; raises `ImportError` if its package is not installed."""
        found: Function = pkgutil.resolve_name(self.of)
        return found

    @property
    def package(self) -> str:
        """The distribution and its version, or the module's name if it is not installed."""
        module = self.of.partition(":")[0].partition(".")[0]
        return next((f"{name} {version(name)}" for name in _distributions().get(module, ())), module)


def bug(issue: str, of: str, what: str) -> Callable[[Probe], Bug]:
    """Turn a probe into a `Bug` of the same name. A probe gets its function as an argument: tests pass another one."""

    def make(probe: Probe) -> Bug:
        return Bug(probe.__name__, issue, of, what, probe)

    return make


def rows(*shape: int, seed: int = 0) -> torch.Tensor:
    """Standard normal numbers in fp32 on the CPU, the same on every call."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def number(seen: float, right: float, tolerance: float) -> Sighting:
    """The bug is an error above `tolerance`, absolute or relative to the larger number; NaN is an error."""
    near = math.isclose(seen, right, rel_tol=tolerance, abs_tol=tolerance)
    return Sighting(not near, f"{seen:.9g}", f"{right:.9g}")


def share(wrong: Any, what: str) -> Sighting:
    """The bug is any `True` in the one-dimensional array-like `wrong`."""
    wrong = torch.as_tensor(wrong)
    return Sighting(bool(wrong.any()), f"{wrong.double().mean():.1%} of {len(wrong):,} {what}", "none")


@functools.cache  # it reads the metadata of every installed package
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()
