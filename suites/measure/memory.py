"""The memory of a call beyond its inputs, the part that it keeps, and the free memory."""

import ctypes
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from torch.profiler import ProfilerActivity, profile

from suites.measure.clock import Call

_STRAY = 1 << 16  # bytes: a process now and then takes a few pages for itself


@dataclass(frozen=True)
class Memory:
    """Bytes beyond the inputs: the peak of a call, including its result, and what each call keeps.

    `peak_bytes` is None if it is too small to separate from the process's own allocations.
    """

    peak_bytes: int | None
    kept_bytes: int


def measure(call: Call, device: str, *, in_torch: bool = True) -> Memory | None:
    """The memory of a call, in a separate pass.

    On the CPU it is exact for torch's allocator, whose every allocation is traced. On CUDA it is rounded up to blocks
    of 512 bytes. With `in_torch` False it is the process's own peak, in pages. It is None if nothing reports it: on
    MPS, or for a process outside Linux.
    """
    used = _measure_once(call, device, in_torch)
    if used and used.kept_bytes:  # a set-up keeps memory once, a leak with each call
        again = _measure_once(call, device, in_torch)
        return Memory(used.peak_bytes, min(used.kept_bytes, again.kept_bytes if again else 0))
    return used


def free_bytes(device: str) -> int:
    """The bytes that can still be allocated on `device`. MPS shares the host's memory."""
    return torch.cuda.mem_get_info()[0] if device == "cuda" else psutil.virtual_memory().available


def _measure_once(call: Call, device: str, in_torch: bool) -> Memory | None:
    if not in_torch:
        return _process_memory(call)
    if device == "cpu":
        return _traced(call)
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        torch.cuda.synchronize()
        return Memory(torch.cuda.max_memory_allocated() - before, torch.cuda.memory_allocated() - before)
    return None


def _traced(call: Call) -> Memory:
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as trace:
        call()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        trace.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    allocations = sorted((e for e in events if e.get("name") == "[memory]"), key=lambda e: e["ts"])
    peak = current = 0
    for event in allocations:
        if event["args"]["Device Type"] == 0:  # the CPU
            current += event["args"]["Bytes"]
            peak = max(peak, current)
    return Memory(peak, current)


def _process_memory(call: Call) -> Memory | None:
    """The high-water mark of the resident pages. The free heap is returned first: reuse of it would not show."""
    mark = Path("/proc/self/clear_refs")
    if not mark.exists():
        return None
    libc = ctypes.CDLL(None)
    libc.malloc_trim(0)
    mark.write_text("5")  # resets the mark to what is resident now: proc(5)
    before = _resident("VmRSS")
    call()
    peak = _resident("VmHWM") - before
    libc.malloc_trim(0)
    kept = _resident("VmRSS") - before
    return Memory(peak if peak > _STRAY else None, kept if kept > _STRAY else 0)


def _resident(key: str) -> int:
    found = re.search(rf"^{key}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
