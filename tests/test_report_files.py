"""Where a report is written: over no other run's report, and through no symbolic link."""

from pathlib import Path

import pytest

from reports import render
from reports.__main__ import main
from tests.runs import head, measured, save


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "runs").mkdir()
    save(tmp_path / "runs", measured("base", [2.0, 2.0], baseline=True), measured("x", [1.0, 1.0]))
    return tmp_path / "runs"


def rendered(run: str | Path, root: Path) -> Path:
    return render(str(run), root=root, out=root.parent / "out")


def test_a_copy_has_a_report_of_its_own(root: Path) -> None:
    first = rendered("a", root)
    before = first.read_text()
    (root / "copy.jsonl").write_bytes((root / "a.jsonl").read_bytes())
    assert rendered("copy", root) == first.parent.with_name("copy") / first.name
    assert first.read_text() == before


def test_a_file_elsewhere_with_the_name_of_another_run_has_a_report_of_its_own(root: Path) -> None:
    first = rendered("a", root)
    before = first.read_text()
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    other = save(elsewhere, measured("base", [2.0, 2.0], baseline=True), measured("y", [1.0, 1.0]))
    second = rendered(other, root)
    assert second.parent.name.startswith("a-")
    assert second == rendered(other, root), "its place stays"
    assert "`y`" in second.read_text()
    assert first.read_text() == before
    assert (root.parent / "out" / "latest").resolve() == second.parent
    other.write_bytes((root / "a.jsonl").read_bytes())
    assert rendered(other, root) == first, "the same run"


@pytest.mark.parametrize("place", ["a", "a/report.md", "a/records.csv", "a/times.png"])
def test_nothing_is_removed_or_written_through_a_symbolic_link(root: Path, place: str) -> None:
    mine = root.parent / "mine"
    mine.mkdir()
    for name in ("holiday.png", "salaries.csv", "report.md"):
        (mine / name).write_text("mine")
    link = root.parent / "out" / place
    link.parent.mkdir(parents=True)
    link.symlink_to(mine if place == "a" else mine / "salaries.csv")
    assert rendered("a", root).read_text().startswith("# ")
    assert {path.name: path.read_text() for path in mine.iterdir()} == dict.fromkeys(
        ("holiday.png", "salaries.csv", "report.md"), "mine"
    )


def test_nothing_is_removed_from_a_folder_without_a_report(root: Path) -> None:
    album = root.parent / "out" / "a"
    album.mkdir(parents=True)
    (album / "holiday.png").touch()
    rendered("a", root)
    assert (album / "holiday.png").exists()


def test_what_an_older_report_left_is_removed(root: Path) -> None:
    stale = rendered("a", root).with_name("stale.csv")
    stale.touch()
    rendered("a", root)
    assert not stale.exists()


def test_a_folder_in_the_place_of_the_link_to_the_newest_report_stays(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root.parent / "out" / "latest").mkdir(parents=True)
    with pytest.raises(SystemExit) as ended:
        main(["a"], root=root, out=root.parent / "out")
    assert ended.value.code == 2
    assert "is to point to the newest report, and is a file or folder: move it away" in capsys.readouterr().err


def test_two_runs_of_one_name_are_published_in_folders_of_their_own(root: Path) -> None:
    folders = {"out": root.parent / "out", "published": root.parent / "published"}
    main(["a", "--publish"], root=root, **folders)
    main(["a", "--publish"], root=root, **folders)
    (first,) = folders["published"].iterdir()
    before = (first / "a.jsonl").read_bytes()
    (root / "a.jsonl").unlink()
    save(root, measured("y", [1.0, 1.0]), run=head("a", "2026-11-21T11:00:00+00:00"))
    main(["a", "--publish"], root=root, **folders)
    assert len([*folders["published"].iterdir()]) == 2
    assert (first / "a.jsonl").read_bytes() == before
