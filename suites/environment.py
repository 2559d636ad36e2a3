"""The environment of a run: machine, software, and the switches that affect results."""

import os
import platform
import re
import subprocess
from importlib.metadata import distributions
from pathlib import Path

import psutil
import torch

from suites import git
from suites.records.record import Environment

_ALLOCATOR = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "MALLOC_ARENA_MAX", "LD_PRELOAD")


def devices() -> tuple[str, ...]:
    """The device types of this machine that a grid can name."""
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return tuple(device for device, there in present.items() if there)


def torch_version() -> str:
    """The version of torch, with its build."""
    return torch.__version__


def environment() -> Environment:
    """The environment of this process."""
    gpu = torch.cuda.is_available()
    return Environment(
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=cpu(),
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        cores=os.cpu_count() or 0,
        memory_bytes=psutil.virtual_memory().total,
        threads=torch.get_num_threads(),
        gpu=torch.cuda.get_device_name() if gpu else "",
        gpu_driver=_output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader") if gpu else "",
        python=platform.python_version(),
        torch=torch.__version__,
        torch_build=_torch_build(),
        cuda=torch.version.cuda or "",
        float32_matmul_precision=torch.get_float32_matmul_precision(),
        reduced_precision=_reduced_precision() if gpu else "",
        allocator=" ".join(f"{name}={os.environ[name]}" for name in _ALLOCATOR if name in os.environ),
        commit=git.commit(),
        dirty=bool(git.uncommitted()),
        packages=_packages(),
    )


def cpu() -> str:
    """The processor's model; its architecture where the system names no model."""
    info = Path("/proc/cpuinfo")
    if info.is_file() and (model := re.search(r"model name\s*:\s*(.+)", info.read_text())):
        return model[1].strip()
    return platform.processor() or platform.machine()


def _torch_build() -> str:
    """The libraries and the compiler of the torch build, in one line, without flags."""
    lines = [line.strip(" -") for line in torch.__config__.show().splitlines()[1:]]
    return "; ".join(line for line in lines if line and not line.startswith(("Build settings", "NVCC")))


def _packages() -> dict[str, str]:
    """Name to version of each installed package, without those that setuptools adds to the path on import."""
    found = (d for d in distributions() if "_vendor" not in Path(str(d.locate_file(""))).parts)
    return {d.metadata["Name"]: d.version for d in found}


def _reduced_precision() -> str:
    matmul = torch.backends.cuda.matmul
    names = ("allow_fp16_reduced_precision_reduction", "allow_bf16_reduced_precision_reduction")
    return " ".join(f"{name}={getattr(matmul, name)}" for name in names)


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
