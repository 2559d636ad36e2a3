"""How much memory a call takes beyond its inputs, and how much there is."""

import json
import tempfile
from pathlib import Path

import psutil
import torch
from torch.profiler import ProfilerActivity, profile

from suites.measure.clock import Call


def peak_bytes(call: Call, device: str) -> int | None:
    """The peak of torch's allocator during one call, its result included, in bytes.

    Exact on the CPU, where each allocation is traced; on CUDA rounded up to the
    allocator's 512 bytes a block. None on MPS, whose allocator reports no peak.
    """
    if device == "cpu":
        return _traced_peak(call)
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    return None


def free_bytes(device: str) -> int:
    """What can still be allocated on `device`, in bytes. MPS shares the host's memory."""
    return torch.cuda.mem_get_info()[0] if device == "cuda" else psutil.virtual_memory().available


def _traced_peak(call: Call) -> int:
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as trace:
        kept = call()
    del kept
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
    return peak
