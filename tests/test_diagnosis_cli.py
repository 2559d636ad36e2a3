"""Does `python -m diagnosis` read files safely, and answer in words, in JSON and by exit status?"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

import diagnosis.__main__
import diagnosis.report.page
from diagnosis.__main__ import main
from diagnosis.diagnose import diagnose
from diagnosis.intake.files import read_subject
from diagnosis.remedies import REMEDIES
from diagnosis.subject import Subject
from diagnosis.verdict import Cause, Counterfactual, Diagnosis, Verdict, figure, sureness

ROOT = Path(__file__).parent.parent
ROWS = np.random.default_rng(0).normal(size=(64, 16)).astype(np.float32)
CAUSE = Cause(
    name="common_offset",
    confidence=0.97,
    evidence={"mean_share": 0.998, "rows": 12345, "layer": "head.0", "finite": True, "limit": float("nan")},
    counterfactual=Counterfactual(
        change="centre the rows", symptom="mean cosine of unrelated rows", before=0.9999997, after=-0.0025, flips=True
    ),
    remedy=REMEDIES["common_offset"],
)
FOUND = Diagnosis(
    verdict="cause",
    causes=(CAUSE,),
    signature={"rows": 64, "std_cosine": 0.1, "std_cosine_from": 0.08, "std_cosine_to": 0.12, "pair_cosine": None},
)


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Callable[[Diagnosis], None]:
    """Replaces the engine's answer for every input."""
    return lambda answer: monkeypatch.setattr(diagnosis.__main__, "examine", lambda subject: answer)


def saved(folder: Path, array: object, name: str = "x.npy") -> str:
    path = folder / name
    if path.suffix == ".npy":
        np.save(path, np.asarray(array))
    elif path.suffix == ".pt":
        torch.save(array, path)
    else:
        save_file(array, path)  # type: ignore[arg-type]
    return str(path)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The error line of bad input; asserts exit status 2 and an empty standard output."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert re.fullmatch("python -m diagnosis: .+; .+\n", said.err)
    return said.err


def test_the_verdict_comes_first_then_cause_evidence_counterfactual_and_code(
    tmp_path: Path, answered: Callable[[Diagnosis], None], capsys: pytest.CaptureFixture[str]
) -> None:
    answered(FOUND)
    assert main([saved(tmp_path, ROWS)]) == 1
    said = capsys.readouterr().out
    assert " ".join(said.split()).startswith(
        "Not healthy: common_offset. 1. common_offset: almost certain (0.97)"
        " Evidence: mean share: 0.998; rows: 12,345; layer: head.0; finite: yes; limit: nan."
        " Without it: mean cosine of unrelated rows (1 − 3e−7) → −0.0025, the symptom disappears"
        " (tried: centre the rows)."
        " All embeddings share a large mean"
    )
    assert max(map(len, said.splitlines())) <= 80
    assert "\n\n      mean = reference.mean(0)  # [D]" in said
    assert said.endswith("The figures\n   rows        64\n   std cosine  0.1 (0.08 to 0.12)\n")
    assert "\x1b" not in said, "piped output is plain"


def test_json_is_the_object_that_was_promised_and_valid(
    tmp_path: Path, answered: Callable[[Diagnosis], None], capsys: pytest.CaptureFixture[str]
) -> None:
    answered(FOUND)
    assert main([saved(tmp_path, ROWS), "--json"]) == 1
    printed = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    (cause,) = printed.pop("causes")
    assert printed == {"verdict": "cause", "signature": {"symptoms": ""} | dict(FOUND.signature), "remarks": []}
    assert cause == {
        "name": "common_offset",
        "confidence": 0.97,
        "evidence": dict(CAUSE.evidence) | {"limit": None},
        "counterfactual": {
            "change": "centre the rows",
            "symptom": "mean cosine of unrelated rows",
            "before": 0.9999997,
            "after": -0.0025,
            "flips": True,
        },
        "remedy": REMEDIES["common_offset"],
    }


@pytest.mark.parametrize(
    ("verdict", "status", "said"),
    [
        ("healthy", 0, 'Healthy: the mean cosine of unrelated rows is 0.81; "always 1" starts at 0.95. Without'),
        (
            "unknown",
            1,
            "Not healthy (range of the similarity: 0.462), and none of the 33 known causes explains it.\nGive it more",
        ),
    ],
)
def test_the_status_says_whether_a_symptom_was_found(
    tmp_path: Path, answered: Callable[[Diagnosis], None], capsys: pytest.CaptureFixture[str],
    verdict: Verdict, status: int, said: str,
) -> None:  # fmt: skip
    symptoms = {"range of the similarity": 0.462} if verdict == "unknown" else {}
    signature = {"mean_cosine": 0.81, "centred_mean_cosine": -0.0001}
    answered(Diagnosis(verdict=verdict, symptoms=symptoms, signature=signature))
    assert main([saved(tmp_path, ROWS)]) == status
    assert " ".join(capsys.readouterr().out.split()).startswith(" ".join(said.split()))


def test_a_process_ends_with_the_status_and_prints_json_alone(tmp_path: Path) -> None:
    x = saved(tmp_path, ROWS)
    command = [sys.executable, "-m", "diagnosis", x, x, "--json"]
    ended = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert json.loads(ended.stdout)["verdict"] == "cause"


def test_one_file_for_both_sides_is_one_tensor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = saved(tmp_path, ROWS)
    assert main([x, os.path.relpath(x), "--json"]) == 1
    assert [cause["name"] for cause in json.loads(capsys.readouterr().out)["causes"]] == ["same_tensor"]


def test_files_of_pairs_labels_and_inputs_are_what_python_gets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y, first, second = (torch.from_numpy(ROWS).roll(shift, 0).clone() for shift in range(4))
    labels = torch.arange(64) % 2
    pairs = saved(tmp_path, {"x": x, "y": y}, "pairs.safetensors")
    inputs = saved(tmp_path, [first, second], "inputs.pt")
    subject, notes = read_subject(Path(pairs), labels=Path(saved(tmp_path, labels)), inputs=Path(inputs), dim=1)
    assert (notes, subject.dim) == ([], 1)
    read = (subject.x, subject.y, subject.labels, subject.inputs, subject.other_inputs)
    for found, wanted in zip(read, (x, y, labels, first, second), strict=True):
        assert found is not None
        assert torch.equal(found, wanted)
    main([pairs, "--inputs", inputs, "--json"])
    expected = diagnose(x, y, inputs=first, other_inputs=second).to_dict()
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(expected))


def test_the_page_gets_the_subject_that_was_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Subject] = []

    def written(found: Diagnosis, subject: Subject, folder: Path, *, source: str) -> Path:
        given.append(subject)
        return folder

    monkeypatch.setattr(diagnosis.report.page, "write_report", written)
    labels = saved(tmp_path, np.arange(64)[:, None] % 2 == 0, "labels.npy")
    main([saved(tmp_path, ROWS), "--labels", labels, "--report", str(tmp_path)])
    assert given[0].labels is not None
    assert (given[0].labels.shape, given[0].labels.dtype) == ((64,), torch.int64)


@pytest.mark.parametrize("option", ["--labels", "--inputs"])
def test_complex_numbers_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    x, other = saved(tmp_path, ROWS), saved(tmp_path, ROWS[:, 0] * 1j, "complex.npy")
    assert "is torch.complex64; a cosine takes real numbers" in refused(capsys, x, option, other)


def test_rows_stay_as_they_were_whatever_happens_to_their_file(tmp_path: Path) -> None:
    subject, _ = read_subject(Path(saved(tmp_path, ROWS)))
    np.save(tmp_path / "x.npy", -ROWS)  # in place
    assert torch.equal(subject.x, torch.from_numpy(ROWS))
    (tmp_path / "x.npy").write_bytes(b"")
    assert torch.equal(subject.x, torch.from_numpy(ROWS))


def test_integers_are_embeddings_too_and_a_note_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = saved(tmp_path, (ROWS * 40).astype(np.int8))
    assert main([x, "--json"]) == 0
    said = capsys.readouterr()
    assert said.err == f"note: {x!r}: int8 converted to float32\n"
    assert json.loads(said.out)["signature"]["dtype"] == "float32"


BAD = {
    "one row": (ROWS[:1], "x has .*1.*; .* give at least 2"),
    "no rows": (ROWS[:0], "x has .*0.*; .* give at least 2"),
    "no columns": (ROWS[:, :0], r"x has the shape \(64, 0\) and holds no numbers"),
    "one vector": (ROWS[0], r"x has the shape \(16,\); a single vector can't be judged: stack several"),
    "all nan": (ROWS * np.nan, r"every row of x \(64, 16\) has a NaN"),
    "bool": (ROWS > 0, "x.npy' has the dtype bool; known: float64, float32, float16, bfloat16 and integers; convert"),
    "complex": (ROWS * 1j, "x.npy' has the dtype complex64; known: "),
    "strings": (ROWS.astype(str), "x.npy' has the dtype <U32, which torch does not know; save it with"),
    "objects": (np.array([[1, "a"], [2, None]], dtype=object), "it holds Python objects, whose pickle could run code"),
}


@pytest.mark.parametrize(("array", "message"), BAD.values(), ids=BAD)
def test_bad_embeddings_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], array: np.ndarray, message: str
) -> None:
    assert re.search(message, refused(capsys, saved(tmp_path, array)))


def test_what_does_not_fit_together_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x, short = saved(tmp_path, ROWS), saved(tmp_path, ROWS[:9], "short.npy")
    both = saved(tmp_path, [torch.ones(3, 2)] * 2, "both.pt")
    messages = {
        (x, short): r"x is \(64, 16\) .* and y is \(9, 16\)",
        (x, both): "both.pt' holds 2 tensors where one is expected; save each side in a file of its own",
        (x, "--inputs", both): "both.pt' holds 2 tensors where one is expected",
        (x, "--labels", short): "labels has the shape .* and x 64 rows",
        (x, "--dim", "2"): r"dim is 2, and x .*\(64, 16\).*; give one from -2 to 1",
        (x, "--dim=-3"): "dim is -3",
        (x, "--report", x): "File exists",
    }
    for arguments, message in messages.items():
        assert re.search(message, refused(capsys, *arguments)), arguments


def test_unreadable_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = Path(saved(tmp_path, ROWS))
    (tmp_path / "cut.npy").write_bytes(x.read_bytes()[:-99])
    saved(tmp_path, torch.from_numpy(ROWS), "whole.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "whole.pt").read_bytes()[:-999])
    (tmp_path / "x.csv").write_text("1,2")
    messages = {
        "cut.npy": "cannot be read: it is damaged",
        "cut.pt": "cannot be read: ",
        "missing.npy": "there is no file .*; known: cut.npy, cut.pt, whole.pt, x.npy",
        "x.npz": "there is no file .*; did you mean 'x.npy'?",
        "x.csv": r"unknown suffix '\.csv'; known: \.npy",
    }
    for name, message in messages.items():
        for arguments in (
            [str(tmp_path / name)],
            [str(x), str(tmp_path / name)],
            [str(x), "--labels", str(tmp_path / name)],
        ):
            assert re.search(message, refused(capsys, *arguments))


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("name", ["trap.npy", "trap.pt"])
def test_a_pickle_is_refused_and_never_executed(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    trace = tmp_path / "trace"
    trap = Trap(trace)
    path = saved(tmp_path, np.array([trap], dtype=object) if name == "trap.npy" else {"x": trap}, name)
    for arguments in ([path], [saved(tmp_path, ROWS), "--labels", path]):
        assert "could run code" in refused(capsys, *arguments)
    assert not trace.exists()
    assert torch.load(path, weights_only=False) if name == "trap.pt" else np.load(path, allow_pickle=True) is not None
    assert trace.exists(), "unpickling must make the file, or this test shows nothing"


@given(st.floats(-1.001, 1.001))
def test_a_figure_is_near_the_value_and_says_1_of_1_only(value: float) -> None:
    said = figure(value)
    near = eval(said.replace("−", "-"))
    assert near == pytest.approx(value, rel=0.006)
    assert (abs(near) == 1) == (abs(value) == 1)
    if 0 < abs(1 - abs(value)) < 1e-4:
        assert 1 - abs(near) == pytest.approx(1 - abs(value), rel=0.5)


def test_every_confidence_has_words() -> None:
    said = [sureness(confidence) for confidence in (1.0, 0.9, 0.6, 0.2, 0.0)]
    assert said == [
        "almost certain (1.00)",
        "very likely (0.90)",
        "likely (0.60)",
        "possible (0.20)",
        "possible (0.00)",
    ]
