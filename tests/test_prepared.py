"""After how many queries is the preparation of a corpus paid back, and does the report say it?"""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from reports import answer, render
from reports.sections.speed import prepared
from reports.sections.speed.table import prepare
from results import load
from suites.records.case import Case
from suites.records.record import Flag, Record
from tests.runs import head, measured, save

ONE = Case(task="pairwise", shape=(1, 50_000, 384), dtype="float32", device="cpu")
BATCH = replace(ONE, shape=(64, 50_000, 384))
TOP_K = Case(task="top_k", shape=(1, 50_000, 384), dtype="float32", device="cpu", k=10)


def timed(name: str, call_s: float, case: Case = ONE, prepare_s: float | None = None, spread: float = 0.0) -> Record:
    samples = [call_s * (1 + spread * (n // 2 % 2)) for n in range(40)]
    control = samples if name == "broadcast" else ()
    record = measured(name, samples, baseline=name == "broadcast", case=case, control_s=control)
    assert record.latency is not None
    held = None if prepare_s is None else 76_800_000
    return replace(record, latency=replace(record.latency, prepare_s=prepare_s, prepared_bytes=held))


def found(root: Path, *records: Record) -> pd.DataFrame:
    save(root, *records)
    return prepared.pays_back(prepare(load(root=root)))


@pytest.mark.parametrize(("case", "queries"), [(ONE, 5), (BATCH, 304)], ids=["one query", "64 queries"])
def test_the_preparation_over_the_time_saved_a_query_against_the_fastest_without(
    tmp_path: Path, case: Case, queries: int
) -> None:
    (row,) = found(
        tmp_path,
        timed("broadcast", 0.1, case),
        timed("matmul", 0.03, case),
        timed("mine", 0.01, case, prepare_s=0.095),
        timed("ours", 0.005, case, prepare_s=None),
        timed("broken", 0.001, replace(case, dtype="bfloat16")),
    ).itertuples()
    assert (row.implementation, row.rival, row.queries) == ("mine", "ours", float("inf"))
    (row,) = found(
        tmp_path / "without",
        timed("broadcast", 0.1, case),
        timed("matmul", 0.03, case),
        timed("mine", 0.01, case, prepare_s=0.095),
    ).itertuples()
    assert (row.rival, row.queries) == ("matmul", queries)
    assert (row.prepare_s, row.prepared_bytes) == (0.095, 76_800_000)


def test_no_call_that_is_seen_to_be_faster_never_pays(tmp_path: Path) -> None:
    rows = found(
        tmp_path,
        timed("broadcast", 0.1),
        timed("matmul", 0.03, spread=0.5),
        timed("slower", 0.04, prepare_s=0.1),
        timed("perhaps", 0.034, prepare_s=0.1),
    )
    assert set(rows["queries"]) == {float("inf")}
    (said,) = prepared.sentences(rows)
    assert "prepares the corpus in 100 ms and is not seen to be faster: " in said
    assert set(prepared.table(rows)["paid back after"]) == {"never"}


def test_a_gain_below_the_noise_floor_never_pays(tmp_path: Path) -> None:
    broadcast = timed("broadcast", 0.1)
    assert broadcast.latency
    noisy = replace(broadcast, latency=replace(broadcast.latency, control_s=(0.11,) * 40))
    rows = found(tmp_path, noisy, timed("matmul", 0.03), timed("mine", 0.0288, prepare_s=0.1))
    assert set(rows["queries"]) == {float("inf")}


def test_a_disturbed_case_pays_back_provisionally(tmp_path: Path) -> None:
    busy = replace(timed("broadcast", 0.1), flags=(Flag(name="disturbed", evidence="others used 30 %"),))
    rows = found(tmp_path, busy, timed("mine", 0.01, prepare_s=0.89))
    (said,) = prepared.sentences(rows)
    assert "prepares the corpus in 890 ms, paid back after 10 queries (provisional): " in said
    assert prepared.table(rows)["paid back after"].tolist() == ["provisional: 10 queries"]


def test_the_answer_says_that_its_corpus_was_prepared(tmp_path: Path) -> None:
    lines = [timed(name, s, case) for case in (ONE, BATCH) for name, s in (("broadcast", 0.1), ("matmul", 0.03))]
    save(tmp_path, *lines, *(timed("mine", 0.01, case, prepare_s=0.04) for case in (ONE, BATCH)), run=head("a"))
    text = render("a", root=tmp_path, out=tmp_path / "out").read_text(encoding="utf-8")
    assert "10× faster than `broadcast`, with its corpus prepared once in up to 40 ms; " in text
    bewares = answer("a", root=tmp_path).table["beware"]
    assert all("corpus prepared once in 40 ms" in beware for beware in bewares)


def test_the_quickest_to_pay_comes_first_and_is_the_sentence_of_its_case(tmp_path: Path) -> None:
    rows = found(
        tmp_path,
        *(timed("broadcast", 0.1, case) for case in (ONE, TOP_K)),
        *(timed("late", 0.01, case, prepare_s=9.0) for case in (ONE, TOP_K)),
        *(timed("soon", 0.01, case, prepare_s=0.01) for case in (ONE, TOP_K)),
    )
    assert rows["implementation"].tolist() == ["soon", "late"] * 2
    assert prepared.sentences(rows) == [
        f"**{name}**: `soon` prepares the corpus in 10 ms, paid back after 1 query: "
        "10 ms against 100 ms of `broadcast` per call."
        for name in ("1x50000x384, float32, pairwise", "1x50000x384 k=10, float32, top_k")
    ]


def test_without_a_rival_there_is_nothing_to_pay_back_against(tmp_path: Path) -> None:
    rows = found(tmp_path, timed("mine", 0.01, prepare_s=0.1))
    assert prepared.sentences(rows)[0].endswith("no implementation without a preparation ran.")
    assert prepared.table(rows)["paid back after"].tolist() == ["–"]


def test_a_report_has_the_section_exactly_if_something_was_prepared(tmp_path: Path) -> None:
    run = head("with")
    save(tmp_path, timed("broadcast", 0.1), timed("mine", 0.01, prepare_s=0.09), run=run)
    page = render("with", root=tmp_path, out=tmp_path / "out").read_text(encoding="utf-8")
    assert "## A corpus prepared once" in page
    assert "`mine` prepares the corpus in 90 ms, paid back after 1 query" in page
    save(tmp_path, timed("broadcast", 0.1), timed("matmul", 0.01), run=head("without"))
    assert "prepared" not in render("without", root=tmp_path, out=tmp_path / "out").read_text(encoding="utf-8")
