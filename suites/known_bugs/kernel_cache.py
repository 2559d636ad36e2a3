"""Compiled kernels, cached under one CPU capability and reused under another."""

import os
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import NamedTuple

from suites.failure import Failure
from suites.known_bugs.bug import UNREPORTED, Function, Sighting, bug
from suites.records.record import Status

_SCRIPT = """
import pkgutil, sys, torch
rows = torch.arange(13.0 * 256).view(13, 256) % 7  # whole numbers: their sums are exact in any order
sums = pkgutil.resolve_name(sys.argv[1])(lambda x: x.sum(-1), dynamic=False)(rows)
print(torch.backends.cpu.get_cpu_capability(), (sums - rows.sum(-1)).abs().max().item())
"""
_QUICK = {
    "TORCHINDUCTOR_VEC_ISA_OK": "1",
    "TORCHINDUCTOR_CPP_CACHE_PRECOMPILE_HEADERS": "0",
}  # one kernel, no probe of the compiler
_LOWER = {"AVX512": "avx2"}  # "default" for any other


class _Sums(NamedTuple):
    capability: str
    off: float


@bug(UNREPORTED, "torch:compile", "a cached kernel is used on another CPU capability: its sums are off")
def kernel_of_another_capability(compile: Function) -> Sighting:
    with TemporaryDirectory() as folder:
        own = _sums(compile, folder, {})
        lower = _LOWER.get(own.capability, "default")
        other = _sums(compile, folder, {"ATEN_CPU_CAPABILITY": lower})
    if own.capability == other.capability:
        raise Failure(Status.UNSUPPORTED, f"this processor has no capability but {own.capability}")
    return Sighting(other.off != 0, f"off by {other.off:.3g} under {lower}", "0")


def _sums(compile: Function, folder: str, settings: dict[str, str]) -> _Sums:
    """Compile a sum in a fresh process with a cache in `folder`, and compare it with the sum in eager mode."""
    inherited = {name: value for name, value in os.environ.items() if name != "ATEN_CPU_CAPABILITY"}
    found = _QUICK | {"TORCHINDUCTOR_CACHE_DIR": folder, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", _SCRIPT, f"{compile.__module__}:{compile.__qualname__}"]
    done = subprocess.run(command, env=inherited | found | settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().rpartition("\n")[2])
    capability, off = done.stdout.split()[-2:]
    return _Sums(capability, float(off))
