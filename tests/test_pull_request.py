"""Ten lines to paste into a pull request: the answer by shape, the code, and what to beware of."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from reports.__main__ import main
from reports.pull_request import ALIKE, UNTESTED, pull_request
from suites.records.jsonl import Line
from suites.records.record import End, Run
from tests.findings import NASTY, USUAL, contract
from tests.test_reports import CASES, HEAD, ok, save

GOLDEN = Path(__file__).parent / "golden" / "pull_request.md"
"""After a wanted change: UPDATE_GOLDEN=1 pytest tests/test_pull_request.py -k golden, and read the diff."""

CODE = 'import torch\n\n\ndef fast(x, y, dim=-1):\n    """Fast."""\n    return (x * y).sum(dim)'
OF_FAST = replace(HEAD, sources={"fast": CODE})
END = End(wall_s=1.0, phases_s={})


def lines(name: str = "fast") -> list[Line]:
    return [ok(which, case, ratio) for case in CASES[:2] for which, ratio in (("builtin", 1.0), (name, 0.5))]


def pasted(root: Path, *more: Line, head: Run = OF_FAST, name: str = "fast") -> str:
    save(root, [*lines(name), *more, END], head)
    return pull_request("golden", root=root, published=root / "published")


def test_the_golden_summary(tmp_path: Path) -> None:
    zero = USUAL | {"zero row": "NaN"}
    text = pasted(tmp_path, contract("builtin", USUAL), contract("fast", zero)) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8", newline="\n")
    assert text == GOLDEN.read_text(encoding="utf-8")
    assert len(text.partition("<details>")[0].splitlines()) <= 10


def test_many_cases_have_a_line_for_each_winner(tmp_path: Path) -> None:
    cases = [replace(case, dtype=dtype) for dtype in ("float32", "float16", "bfloat16") for case in CASES]
    ratios = {"builtin": 1.0, "fast": 0.5, "slow": 1.5, "slower": 2.0}
    lines = [ok(name, case, ratio) for case in cases[:-1] for name, ratio in ratios.items()]
    lines += [ok("builtin", cases[-1], 1.0), ok("fast", cases[-1], 2.0)]
    save(tmp_path, [*lines, END], OF_FAST)
    seen, details, _ = pull_request("golden", root=tmp_path, published=tmp_path).partition("<details>")
    assert details
    assert len(seen.splitlines()) <= 10
    assert seen.splitlines()[:2] == [
        "- `fast` for paired, float32, cpu; paired, float16, cpu; paired, bfloat16, cpu (`64x256`, `1024x256`): "
        "2× faster than `builtin`, largest error 6e-8.",
        "- `builtin` for paired, bfloat16, cpu (`65536x256`): is the baseline, largest error 6e-8.",
    ]
    assert "slow" not in seen


def test_comparisons_of_losers_have_room_only_in_a_small_answer(tmp_path: Path) -> None:
    slow = [ok("slow", case, 2.0) for case in CASES[:2]]
    assert "`slow` against `builtin`: 2× slower" in pasted(tmp_path, *slow)
    slower = [ok("slower", case, 3.0) for case in CASES[:2]]
    assert "against `builtin`" not in pasted(tmp_path, *slow, *slower)


@pytest.mark.parametrize(("asked", "said"), [((), UNTESTED), (("builtin", "fast"), ALIKE)])
def test_what_zero_rows_give_is_said_in_any_case(asked: tuple[str, ...], said: str, tmp_path: Path) -> None:
    assert f"- {said}" in pasted(tmp_path, *(contract(name, USUAL) for name in asked))


def test_the_winner_of_a_run_without_a_baseline_is_compared_with_nothing_and_has_its_code(tmp_path: Path) -> None:
    save(tmp_path, [line for line in lines() if not line.baseline], OF_FAST)
    text = pull_request(OF_FAST.name, root=tmp_path, published=tmp_path / "published")
    assert ALIKE not in text
    assert "The code of fast" in text


def test_a_run_without_code_says_where_it_is(tmp_path: Path) -> None:
    text = pasted(tmp_path, head=HEAD)
    assert "- The run does not hold the code of `fast`: see the commit." in text
    assert "<details>" not in text


def test_pictures_are_named_if_they_are_published(tmp_path: Path) -> None:
    assert "Pictures" not in pasted(tmp_path)
    folder = tmp_path / "published" / "a-cpu"
    folder.mkdir(parents=True)
    save(folder, lines(), OF_FAST)
    assert "- Pictures, tables and every sample: `reports/published/a-cpu/`" in pasted(tmp_path)
    assert "Pictures" not in pasted(tmp_path, head=replace(OF_FAST, started="2020-01-01T00:00:00+00:00")), (
        "its namesake"
    )


def test_nothing_from_outside_is_markup(tmp_path: Path) -> None:
    name = f"{NASTY}</details>"
    evil = replace(HEAD, command=NASTY, sources={name: f"x = 1\n```\n</details>\n{NASTY}"})
    tokens = MarkdownIt("commonmark").enable("table").parse(pasted(tmp_path, head=evil, name=name))
    inline = [child for token in tokens for child in token.children or ()]
    assert not [token for token in inline if token.type in ("image", "link_open")]
    html = "".join(token.content for token in [*tokens, *inline] if token.type.startswith("html"))
    assert html.count("<details>") == html.count("</details>") == 1
    assert not [tag for tag in ("<img", "<script") if tag in html]


def test_the_command_prints_it_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = pasted(tmp_path)
    main(["--pr", "golden"], root=tmp_path, out=tmp_path / "out", published=tmp_path / "published")
    assert capsys.readouterr().out == expected + "\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--pr", "--publish"), "leave out --publish and --against"),
        (("--pr", "--against", "golden"), "leave out --publish and --against"),
        (("--pr", "empty"), "the run empty has no times; --pr needs a run of `pytest suites` with cases"),
    ],
)
def test_what_it_cannot_do_is_said(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path, [], replace(HEAD, name="empty"))
    with pytest.raises(SystemExit) as stop:
        main(arguments, root=tmp_path, out=tmp_path / "out")
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
