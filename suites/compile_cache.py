"""One cache of compiled kernels for each processor and CPU capability."""

import hashlib
import os
import re
import tempfile
from pathlib import Path

import psutil
import torch

from suites.environment import cpu

_FOLDER = "TORCHINDUCTOR_CACHE_DIR"
_OURS = re.compile(r"cpu-[0-9a-f]{12}-\w+")


def separate() -> None:
    """Point Inductor to a folder for this processor and capability, below the user's own or torch's default.

    Inductor's key names neither: torch 2.13 loads a kernel built for AVX-512 under AVX2, and its answers are wrong
    (`suites/known_bugs/kernel_cache.py`). Child processes inherit the folder; one with another capability replaces it.
    """
    folder = Path(os.environ.get(_FOLDER) or _default())
    base = folder.parent if _OURS.fullmatch(folder.name) else folder
    os.environ[_FOLDER] = str(base / _name())


def graphs() -> int:
    """How many compiled graphs the folder holds."""
    return sum(1 for _ in Path(os.environ.get(_FOLDER) or _default()).glob("fxgraph/*/*"))


def _name() -> str:
    digest = hashlib.sha256(f"{cpu()} {_features()}".encode()).hexdigest()[:12]
    capability = re.sub(r"\W+", "_", torch.backends.cpu.get_cpu_capability().lower())
    return f"cpu-{digest}-{capability}"


def _features() -> str:
    """The instruction sets of the first core, as Linux lists them on x86 and Arm; "" elsewhere."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)", info.read_text() if info.is_file() else "", re.MULTILINE)
    return " ".join(sorted(found[1].split())) if found else ""


def _default() -> Path:
    """Torch's own default; its function is private, and takes seconds to import."""
    user = re.sub(r"\W", "_", psutil.Process().username())
    return Path(tempfile.gettempdir(), f"torchinductor_{user}")
