"""On a simulated GPU: is device time separate from host time, and are throttling and other processes flagged?"""

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from results import load
from suites.failure import Failure
from suites.measure import cache, gpu
from suites.measure.clock import CudaClock, clock_of
from suites.measure.flags import launch_flags
from suites.measure.gpu import GpuMonitor, Reading, monitor
from suites.measure.launch import Launch, launch, launches
from suites.measure.phases import Phases
from suites.records.case import Case
from tests.runs import measured, save

LAUNCH_S, KERNEL_S, FLUSH_S = 10e-6, 2e-6, 100e-6
ON_CUDA = Case(task="paired", shape=(64, 384), dtype="float32", device="cuda")


class Device:
    """A GPU with one stream: the host queues work, and the device does it in order, each at its own pace."""

    def __init__(self) -> None:
        self.host_s = self.done_s = 0.0
        self.captured: list[float] | None = None

    def now(self) -> float:
        return self.host_s

    def queue(self, kernel_s: float, launch_s: float = LAUNCH_S) -> None:
        if self.captured is not None:
            self.captured.append(kernel_s)
            return
        self.host_s += launch_s
        self.done_s = max(self.done_s, self.host_s) + kernel_s

    def synchronize(self) -> None:
        if self.captured is not None:
            raise RuntimeError("operation not permitted when stream is capturing")
        self.host_s = max(self.host_s, self.done_s)

    @contextmanager
    def graph(self, graph: "Graph") -> Iterator[None]:
        self.captured = graph.kernels
        try:
            yield
        finally:
            self.captured = None


class Event:
    def __init__(self, device: Device) -> None:
        self._device = device

    def record(self) -> None:
        self.at_s = max(self._device.done_s, self._device.host_s)

    def elapsed_time(self, later: "Event") -> float:
        return (later.at_s - self.at_s) * 1e3


class Graph:
    def __init__(self, device: Device) -> None:
        self._device = device
        self.kernels: list[float] = []

    def replay(self) -> None:
        self._device.queue(sum(self.kernels))


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    device = Device()
    stream = SimpleNamespace(wait_stream=lambda other: None)
    fakes = {
        "Event": lambda enable_timing: Event(device),
        "CUDAGraph": lambda: Graph(device),
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": contextmanager(lambda stream: iter([None])),
        "graph": device.graph,
        "synchronize": device.synchronize,
        "_sleep": lambda cycles: device.queue(cycles / 1.5e9),
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    return device


def test_a_launch_that_takes_longer_than_its_kernel_costs_the_device_nothing(device: Device) -> None:
    clock = CudaClock(now=device.now)
    unprepared, _ = clock(lambda: device.queue(KERNEL_S), 1)
    call = lambda: device.queue(KERNEL_S)  # noqa: E731
    clock(call, 32)
    seconds, _ = clock(call, 32)
    assert unprepared == pytest.approx(LAUNCH_S + KERNEL_S), "the first call can't hide the host's time"
    assert seconds / 32 == pytest.approx(KERNEL_S)


def test_a_long_kernel_is_not_waited_for(device: Device) -> None:
    clock, call = CudaClock(now=device.now), lambda: device.queue(1e-3)
    for _ in range(2):
        before = device.now()
        seconds, _ = clock(call, 4)
        assert seconds == pytest.approx(4e-3, rel=0.01)
    assert device.now() - before < 1.1 * 4e-3, "the device must not sleep longer than the launches take"


def test_a_cold_call_is_timed_without_the_write_that_makes_it_cold(device: Device) -> None:
    clock = CudaClock("cold", now=device.now)
    clock._flushed = SimpleNamespace(zero_=lambda: device.queue(FLUSH_S))  # type: ignore[assignment]
    call = lambda: device.queue(KERNEL_S)  # noqa: E731
    clock(call, 1)
    seconds, _ = clock(call, 8)
    assert seconds / 8 == pytest.approx(KERNEL_S)


def test_a_case_on_cuda_has_the_clock_of_its_cache_regime() -> None:
    assert isinstance(clock_of("cuda", "cold"), CudaClock)
    assert cache.copies(dataclasses.replace(ON_CUDA, cache="cold")) == 1, "no copies: the clock empties the cache"


def test_the_time_of_the_host_and_of_a_graph(device: Device) -> None:
    clock, call = CudaClock(now=device.now), lambda: device.queue(KERNEL_S)
    found = launch(call, clock, now=device.now)
    assert found.host_s == pytest.approx(LAUNCH_S)
    assert found.graph_s == pytest.approx(KERNEL_S, rel=0.5), "a graph holds 16 calls per launch"


def test_a_call_that_waits_for_the_device_has_no_graph(device: Device) -> None:
    def call() -> None:
        device.queue(KERNEL_S)
        torch.cuda.synchronize()

    assert launch(call, CudaClock(now=device.now), now=device.now).graph_s is None


def test_a_call_that_fails_by_then_is_a_failure_of_its_own(device: Device) -> None:
    def breaks() -> None:
        raise ValueError("no more")

    calls = {"breaks": breaks, "works": lambda: device.queue(KERNEL_S)}
    found = launches(calls, CudaClock(now=device.now), Phases(), cold=False)
    assert isinstance(found["breaks"], Failure)
    assert isinstance(found["works"], Launch)


@pytest.mark.parametrize(
    ("launched", "evidence"),
    [
        (Launch(host_s=1.02e-5, graph_s=0.98e-5), None),
        (Launch(host_s=2e-5, graph_s=None), "the host takes 2e-05 s a call, the device 1e-05 s"),
        (Launch(host_s=1e-6, graph_s=5e-6), "as a CUDA graph a call takes 50% of the device's time"),
    ],
)
def test_a_call_slower_to_launch_than_to_run_is_launch_bound(launched: Launch, evidence: str | None) -> None:
    flags = launch_flags(1e-5, launched)
    assert [(flag.name, flag.evidence) for flag in flags] == ([("launch_bound", evidence)] if evidence else [])


def test_host_and_device_have_columns_of_their_own(tmp_path: Path) -> None:
    on_cuda = measured("builtin", [2e-6, 2e-6], baseline=True, case=ON_CUDA)
    assert on_cuda.latency
    latency = dataclasses.replace(on_cuda.latency, host_s=9e-6, graph_s=1e-6)
    on_cpu = measured("builtin", [3e-6, 3e-6], baseline=True, case=dataclasses.replace(ON_CUDA, device="cpu"))
    save(tmp_path, dataclasses.replace(on_cuda, latency=latency), on_cpu)
    table = load(root=tmp_path)[["host_s", "device_s", "graph_s"]].fillna(0).to_numpy().tolist()
    assert table == [[9e-6, 2e-6, 1e-6], [3e-6, 0, 0]]


def test_a_gpu_that_was_held_back_or_shared_is_flagged() -> None:
    readings = iter([Reading(0, 1980, 0), Reading(0x04, 1700, 0), Reading(0x40, 1400, 2), Reading(0, 1980, 0)])
    times = iter([0.0, 0.05, 0.2, 0.2, 0.25, 0.4, 0.4])
    watching = GpuMonitor(lambda: next(readings), now=lambda: next(times))
    for _ in range(4):
        watching.poll()
    assert {flag.name: flag.evidence for flag in watching.flags()} == {
        "throttled": (
            "the clock was held back by power in 1 of 4 readings and by heat in 1 of 4 readings: 1400 to 1980 MHz"
        ),
        "gpu_shared": "2 other processes had work on the GPU",
    }


def test_a_gpu_at_its_own_pace_has_no_flag() -> None:
    assert GpuMonitor(lambda: Reading(0x01 | 0x02, 1980, 0), now=lambda: 0.0).flags() == (), (
        "idle clocks and the owner's clock settings are no throttling"
    )


def nvml(processes: list[int], error: bool = False, samples: str | None = None) -> SimpleNamespace:
    """NVML with these processes, all at work, or at work as in `samples`: the text of `nvidia-smi pmon -c 1`."""

    class NVMLError(Exception):
        pass

    class NVMLError_NotFound(NVMLError):  # noqa: N801 (NVML's name)
        pass

    class NVMLError_NotSupported(NVMLError):  # noqa: N801 (NVML's name)
        pass

    def init() -> None:
        if error:
            raise NVMLError

    def utilisation(handle: object, since_us: int) -> list[SimpleNamespace]:
        if samples is None:
            raise NVMLError_NotSupported
        rows = [line.split() for line in samples.splitlines() if line and not line.startswith("#")]
        if not rows:
            raise NVMLError_NotFound
        numbers = [[int(word.replace("-", "0")) for word in (pid, sm, mem)] for _, pid, _, sm, mem, *_ in rows]
        return [SimpleNamespace(pid=pid, smUtil=sm, memUtil=mem) for pid, sm, mem in numbers]

    return SimpleNamespace(
        NVMLError=NVMLError,
        NVMLError_NotFound=NVMLError_NotFound,
        NVMLError_NotSupported=NVMLError_NotSupported,
        NVML_CLOCK_SM=1,
        nvmlInit=init,
        nvmlDeviceGetHandleByUUID=lambda uuid: uuid,
        nvmlDeviceGetComputeRunningProcesses=lambda handle: [SimpleNamespace(pid=pid) for pid in processes],
        nvmlDeviceGetProcessUtilization=utilisation,
        nvmlDeviceGetCurrentClocksEventReasons=lambda handle: 0,
        nvmlDeviceGetClockInfo=lambda handle, kind: 1980,
    )


PMON = """\
# gpu         pid   type     sm    mem    enc    dec    jpg    ofa    command
# Idx           #    C/G      %      %      %      %      %      %    name
"""
OURS = "    0          1     C     93     41      -      -      -      -    python\n"
IDLE = "    0          7     C      -      -      -      -      -      -    jupyter\n"
AT_ZERO = "    0          8     C      0      0      -      -      -      -    python\n"
WORKING = "    0          9     C     12      3      -      -      -      -    train\n"


@pytest.mark.parametrize(
    ("listed", "samples", "others"),
    [
        ([1, 7], OURS + IDLE, 0),
        ([1, 7, 8], OURS + IDLE + AT_ZERO, 0),
        ([1, 7, 9], OURS + IDLE + WORKING, 1),
        ([1, 9], WORKING, 1),
        ([1, 7], "", 0),
        ([7, 9], IDLE + WORKING, 0),  # in a container the one that works may be this process
        ([7, 8, 9], OURS.replace("1 ", "8 ") + IDLE + WORKING, 1),
    ],
)
def test_a_process_that_holds_a_context_and_does_nothing_shares_no_gpu(
    listed: list[int], samples: str, others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml(listed, samples=PMON + samples))
    monkeypatch.setattr(gpu.os, "getpid", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda: SimpleNamespace(uuid="0"))
    watching = monitor("cuda")
    assert watching.shared_now() == float(others > 0)
    assert [flag.evidence[:1] for flag in watching.flags()] == ([str(others)] if others else [])


@pytest.mark.parametrize(("processes", "others"), [([1], 0), ([1, 7, 8], 2), ([7], 0), ([7, 8], 1), ([], 0)])
def test_where_nobody_says_who_works_this_process_is_not_another_one(
    processes: list[int], others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml(processes))
    monkeypatch.setattr(gpu.os, "getpid", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda: SimpleNamespace(uuid="0"))
    watching = monitor("cuda")
    assert [flag.evidence[:1] for flag in watching.flags()] == ([str(others)] if others else [])


def test_a_failed_reading_keeps_earlier_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    module = nvml([1, 7])
    monkeypatch.setitem(sys.modules, "pynvml", module)
    monkeypatch.setattr(gpu.os, "getpid", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda: SimpleNamespace(uuid="0"))
    watching = monitor("cuda")

    def fails(handle: object) -> int:
        raise module.NVMLError

    module.nvmlDeviceGetCurrentClocksEventReasons = fails
    assert [flag.name for flag in watching.flags()] == ["gpu_shared"], "from the reading before"


@pytest.mark.parametrize("module", [nvml([7], error=True), None], ids=["no driver", "no package"])
def test_without_nvml_nobody_watches(module: SimpleNamespace | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda: SimpleNamespace(uuid="0"))
    monkeypatch.setitem(sys.modules, "pynvml", module)
    watching = monitor("cuda")
    watching.poll()
    assert watching.flags() == ()
