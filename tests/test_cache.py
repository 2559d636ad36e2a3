"""Are cold inputs cold? No copy is reused before the other copies have filled the last-level cache several times."""

import dataclasses
import random
from collections import Counter
from pathlib import Path

import pytest
import torch

import implementations
from results import load
from suites.inputs import make_inputs
from suites.measure import cache
from suites.measure.phases import Phases
from suites.measure.rounds import Budget
from suites.measure.together import measure_case
from suites.records.case import Case
from suites.records.record import Status
from tests.runs import measured, save

WARM = Case(task="paired", shape=(64, 512), dtype="float32", device="cpu")
COLD = dataclasses.replace(WARM, cache="cold")


@pytest.fixture(autouse=True)
def _small_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "last_level_bytes", lambda: 1 << 20)


def test_copies_not_in_use_are_several_times_the_cache() -> None:
    assert cache.copies(WARM) == 1
    assert (cache.copies(COLD) - 1) * COLD.input_bytes >= 3 << 20
    assert cache.copies(dataclasses.replace(COLD, shape=(1 << 20, 512))) == 2


def test_the_case_says_that_it_is_cold() -> None:
    assert (WARM.id, COLD.id) == ("cpu-float32-64x512", "cpu-float32-64x512-cold")


@pytest.mark.parametrize("direction", ["forward", "forward+backward"])
def test_timed_calls_take_turns_and_each_copy_holds_the_same(direction: str) -> None:
    seen: list[int] = []

    def fn(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        seen.append(x.data_ptr())
        return torch.cosine_similarity(x, y, dim=dim)

    base = implementations.get("builtin")
    records = measure_case(
        dataclasses.replace(COLD, direction=direction),
        [base, dataclasses.replace(base, fn=fn, name="spy", baseline=False)],
        make_inputs=make_inputs,
        clock=lambda call, calls: (1e-4 * calls, [call() for _ in range(calls)][-1]),
        budget=Budget(seconds=0.1, precision=0.01),
        rng=random.Random(0),
        phases=Phases(lambda: 0.0),
    )
    assert [record.status for record in records] == [Status.OK, Status.OK]
    many = seen[100:400]
    copies = cache.copies(COLD)
    assert len(set(many)) == copies
    assert min(Counter(many).values()) >= len(many) // copies - 3, "secret trials use the first copy more often"


def test_the_last_level_is_the_largest_cache_that_the_kernel_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    for index, size in enumerate(("32K", "1024K", "32M", "odd")):
        (tmp_path / f"index{index}").mkdir()
        (tmp_path / f"index{index}" / "size").write_text(size + "\n")
    assert cache.last_level_bytes(tmp_path) == 32 << 20
    assert cache.last_level_bytes(tmp_path / "none") == 64 << 20
    assert cache.last_level_bytes() >= 1 << 18


def test_a_table_separates_cold_from_warm(tmp_path: Path) -> None:

    save(tmp_path, measured("builtin", [1.0, 1.0], baseline=True, case=COLD))
    (row,) = load("a", root=tmp_path).to_dict("records")
    assert (row["cache"], row["case"]) == ("cold", "paired-cpu-float32-64x512-cold")
