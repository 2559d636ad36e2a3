"""Does the page of a diagnosis state and show the findings, the same on every run?"""

import html
import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from matplotlib.axes import Axes

import diagnosis.report.page
from diagnosis.__main__ import main
from diagnosis.examine import examine
from diagnosis.monitor import CollapseMonitor
from diagnosis.probes.vectors import centred
from diagnosis.remedies import REMEDIES
from diagnosis.report import pictures
from diagnosis.report.page import write_report
from diagnosis.report.sampled import ROWS, Sampled, sampled
from diagnosis.signature.rows import SEEN
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.suspect import Clue, Suspect
from diagnosis.verdict import Cause, Counterfactual, Diagnosis
from reports.markdown import escape

GOLDEN = Path(__file__).parent / "golden" / "diagnosis.md"
"""After a wanted change: UPDATE_GOLDEN=1 pytest tests/test_diagnosis_report.py -k golden, and read the diff."""

NASTY = "a|b`c` <img src=x> ![i](http://e.vil/p.png) [l](http://e.vil) www.e.vil\n# heading\n\N{RIGHT-TO-LEFT OVERRIDE}"
HEALTHY = Diagnosis(verdict="healthy", signature={"rows": 40, "mean_cosine": -0.0021})
FOUND = Diagnosis(
    verdict="cause",
    causes=(
        Cause(
            name="common_offset",
            confidence=0.97,
            evidence={"mean_share": 0.99, "layer": NASTY},
            counterfactual=Counterfactual(
                change="centre", symptom="mean cosine of unrelated rows", before=0.99, after=-0.02, flips=True
            ),
            remedy=REMEDIES["common_offset"],
        ),
        Cause(
            name="no_negatives",
            confidence=0.6,
            evidence={"pairs": 40},
            counterfactual=None,
            remedy=REMEDIES["no_negatives"],
        ),
    ),
    signature={
        "rows": 40,
        "mean_cosine": 0.9900004,
        "std_cosine": 0.01,
        "std_cosine_from": 0.008,
        "std_cosine_to": 0.012,
    },
)


def cloud(rows: int = 40, columns: int = 8, offset: float = 0.0) -> torch.Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(0)) + offset


OFFSET = Subject(x=cloud(offset=9.0))
TRIED = replace(FOUND, tried=("centre",), repaired=replace(OFFSET, x=OFFSET.x - OFFSET.x.mean(0)))


def mend(subject: Subject, signature: Signature) -> Clue:
    """A suspect known to this file only."""
    return Clue(confidence=0.9, evidence={}, change="mend", repair=lambda: centred(subject))


def test_the_page_is_the_golden_one_and_the_same_each_time(tmp_path: Path) -> None:
    folders = [tmp_path / "new" / name for name in "ab"]
    for folder in folders:
        write_report(TRIED, OFFSET, folder, source=f"x.npy {NASTY}")
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert first == second
    page = first.pop("report.md").decode()
    assert sorted(first) == ["cosines.png", "directions.png", "spectrum.png"]
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(page, encoding="utf-8")
    assert page == GOLDEN.read_text(encoding="utf-8")


def test_the_page_shows_the_repair_that_the_verdict_rests_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[pictures.Stages] = []
    monkeypatch.setattr(diagnosis.report.page, "draw", lambda stages, folder: drawn.append(stages) or ())
    many = Subject(x=cloud(3 * SEEN, offset=9.0))
    write_report(examine(many, [Suspect("common_offset", mend)]), many, tmp_path)
    (stages,) = drawn
    assert list(stages) == ["As they are", "Tried: mend"]
    before, after = (stage.x for stage in stages.values())
    assert torch.allclose(before - before.mean(0), after - after.mean(0), atol=1e-5), "the same rows"


def test_the_repair_keeps_no_model_alive() -> None:
    model = torch.nn.Identity()
    found = examine(replace(OFFSET, model=model, inputs=OFFSET.x), [Suspect("common_offset", mend)])
    assert found.repaired is not None
    assert found.repaired.model is None
    assert pickle.loads(pickle.dumps(found)).tried == ("mend",)


def test_a_page_without_causes_has_the_verdict_and_what_is_seen(tmp_path: Path) -> None:
    page = write_report(HEALTHY, Subject(x=cloud()), tmp_path).read_text(encoding="utf-8")
    assert page.startswith("# Why is my cosine similarity always 1?\n\n**Healthy: the mean cosine of unrelated rows is")
    assert page.count("![") == 3
    assert "Tried" not in page


def test_vectors_without_a_direction_are_not_drawn(tmp_path: Path) -> None:
    unknown = replace(HEALTHY, verdict="unknown")
    page = write_report(unknown, Subject(x=torch.zeros(40, 8)), tmp_path).read_text(encoding="utf-8")
    assert "Give it more to look at" in page
    assert "pictures" not in page
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]


def test_the_curve_of_a_training_is_shown_where_there_is_one(tmp_path: Path) -> None:
    with CollapseMonitor(linear := torch.nn.Linear(4, 3), every=1) as monitor:
        for _ in range(3):
            linear(torch.randn(20, 4)).sum().backward()
    page = write_report(HEALTHY, Subject(x=torch.zeros(40, 8)), tmp_path, curve=monitor.curve())
    assert "![The embeddings during training](training.png)" in page.read_text(encoding="utf-8")
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")


@given(st.text(max_size=40))
def test_nothing_from_outside_is_markup(text: str) -> None:
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    markdown = MarkdownIt("gfm-like", {"linkify": False})
    assert markdown.renderInline(escape(text)) == html.escape(shown, quote=True).replace("&#x27;", "'")


def test_the_command_line_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(cloud(), tmp_path / "embeddings.pt")
    assert main([str(tmp_path / "embeddings.pt"), "--report", str(tmp_path / "page")]) == 0
    assert capsys.readouterr().err == f"note: the report is {tmp_path / 'page' / 'report.md'}\n"
    assert "Subject: embeddings.pt." in (tmp_path / "page" / "report.md").read_text(encoding="utf-8")


def seen(subject: Subject) -> Sampled:
    found = sampled(subject)
    assert found is not None
    return found


def places(axes: Axes) -> torch.Tensor:
    return torch.cat([torch.as_tensor(points.get_offsets().data) for points in axes.collections])


def test_embeddings_that_point_one_way_are_a_dot_on_the_rim() -> None:
    stages = {"sick": seen(OFFSET), "after": seen(Subject(x=cloud()))}
    sick, _, after, _ = pictures.directions(stages).axes
    assert places(sick)[:, 0].min() > 0.9
    assert places(after).norm(dim=1).max() <= 1
    assert places(after)[:, 0].min() < -0.5
    assert sick.get_title() == "sick: PCA, not centred (99% of the energy)"


def test_the_histogram_separates_pairs_from_chance_and_positives_from_negatives() -> None:
    x = cloud(400)
    labels = torch.arange(400) % 2
    pairs = Subject(x=x, y=torch.where(labels[:, None] > 0, x, -x), labels=labels)
    said = seen(pairs).cosines()
    assert {name: round(float(values.mean()), 1) + 0.0 for name, values in said.items()} == {
        "positive pairs": 1.0,
        "negative pairs": -1.0,
        "partners shuffled": 0.0,
    }
    means = {name: float(values.mean()) for name, values in seen(OFFSET).cosines().items()}
    assert means["rows"] > 0.95
    assert means["columns shuffled"] == pytest.approx(means["rows"], abs=0.01)
    assert abs(means["rows centred"]) < 0.05
    (axes,) = pictures.cosines({"As they are": seen(OFFSET)}).axes
    assert axes.get_legend().get_texts()[0].get_text() == f"rows: mean {means['rows']:.3f}"


def test_equal_rows_have_no_centred_floor() -> None:
    constant = seen(Subject(x=torch.ones(9, 4)))
    assert {name: float(values.mean()) for name, values in constant.cosines().items()} == {
        "rows": pytest.approx(1),
        "columns shuffled": pytest.approx(1),
    }
    assert pictures.cosines({"As they are": constant}).axes


def test_the_spectrum_shows_the_rank_that_an_offset_hides() -> None:
    (axes,) = pictures.spectrum({"As they are": seen(OFFSET)}).axes
    raw, centred = (float(entry.get_text().split()[-1]) for entry in axes.get_legend().get_texts())
    assert raw < 4
    assert 7 < centred <= 8
    assert axes.lines[0].get_ydata()[0] == 1


@pytest.mark.parametrize(
    ("shape", "dim", "drawn"),
    [((3000, 4), -1, (ROWS, 4)), ((5, 3, 4), 1, (20, 3)), ((3000, 6), 0, (6, ROWS)), ((8, 6, 3, 40), 1, (960, 6))],
)
def test_what_is_drawn_are_the_vectors_of_the_cosine(shape: tuple[int, ...], dim: int, drawn: tuple[int, int]) -> None:
    assert tuple(seen(Subject(x=torch.randn(shape), dim=dim)).x.shape) == drawn


def test_a_pair_stays_a_pair_and_rows_without_a_direction_are_left_out() -> None:
    x = cloud(3000)
    x[::7] = torch.nan
    x[1::7] = 0
    found = seen(Subject(x=x, y=2 * x, labels=torch.arange(3000)))
    assert found.y is not None
    assert found.labels is not None
    assert 250 < len(found.x) < ROWS // 2
    assert torch.equal(2 * found.x, found.y)
    assert set((found.labels % 7).tolist()) == {2, 3, 4, 5, 6}
    assert torch.equal(found.x, x[found.labels.long()].double())
