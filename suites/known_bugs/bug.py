"""A report and its probe; a probe tells what it saw."""

import functools
import math
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions, version
from typing import Any

import torch

Function = Callable[..., Any]
"""What a report is about: whatever the package calls by that name."""

COSINE = "torch.nn.functional:cosine_similarity"
NORMALIZE = "torch.nn.functional:normalize"
NORM = "torch.linalg:vector_norm"
LOSS = "torch.nn.functional:cosine_embedding_loss"

UNREPORTED = "not reported yet"
"""In place of `owner/repository#number`: we found the bug, and upstream has no report of it."""


@dataclass(frozen=True)
class Sighting:
    """What a probe saw: whether it is the bug, the value, and the value that would be right."""

    happens: bool
    seen: str
    right: str


Probe = Callable[[Function], Sighting]


@dataclass(frozen=True)
class Bug:
    """A report, `owner/repository#number` or `UNREPORTED`: what it is about, as `module:name`, what is wrong there,
    and its probe.
    """

    name: str
    issue: str
    of: str
    what: str
    probe: Probe

    @property
    def function(self) -> Function:
        """What the probe is handed; an `ImportError` where its package is not installed."""
        found: Function = pkgutil.resolve_name(self.of)
        return found

    @property
    def package(self) -> str:
        """The distribution and its version; the bare module's name where it is not installed."""
        module = self.of.partition(":")[0].partition(".")[0]
        return next((f"{name} {version(name)}" for name in _distributions().get(module, ())), module)


def bug(issue: str, of: str, what: str) -> Callable[[Probe], Bug]:
    """Make the probe below a `Bug` of its name. It is handed the function, so that one can look at another one too."""

    def make(probe: Probe) -> Bug:
        return Bug(probe.__name__, issue, of, what, probe)

    return make


def rows(*shape: int, seed: int = 0) -> torch.Tensor:
    """Normal numbers in fp32 on the CPU, the same ones each time."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def number(seen: float, right: float, tolerance: float) -> Sighting:
    """The bug is a number that is off by more than `tolerance`, relative for large ones; NaN is off."""
    near = math.isclose(seen, right, rel_tol=tolerance, abs_tol=tolerance)
    return Sighting(not near, f"{seen:.9g}", f"{right:.9g}")


def share(wrong: Any, what: str) -> Sighting:
    """The bug is any `True` in `wrong`, an array-like of one dimension."""
    wrong = torch.as_tensor(wrong)
    return Sighting(bool(wrong.any()), f"{wrong.double().mean():.1%} of {len(wrong):,} {what}", "none")


@functools.cache  # it reads the metadata of all that is installed
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()
