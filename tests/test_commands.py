"""Does every command explain itself with examples that work, and does each error name what was probably meant?"""

import re
import runpy
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import nearest
from nearest import did_you_mean
from suites.plugin.options import GROUP
from tests import forked, runs
from tests.checkout import GRID, Checkout
from tests.pages import Ended

ROOT = Path(__file__).parent.parent
FOLDERS = ("implementations", "suites", "results", "reports", "diagnosis", "tests")
COMMANDS = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.py"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")))
    if path != Path(__file__) and 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")
)
TO_PYTEST = "nightly.py"
"""It hands its arguments on, so pytest refuses those that are wrong."""
TRY = "--only-a-try"
"""An option that no command has: it alone is refused if all others are accepted."""

pytest_plugins = ["pytester"]


def ran(words: list[str], folder: Path, out: Path) -> Ended:
    """`python WORDS` in `folder`, in a process of its own, and what it writes."""
    files = (out / "out.txt", out / "err.txt")
    status = forked.run(words, folder, *files, {"COLUMNS": "200"})
    return Ended(status, "".join(file.read_text(encoding="utf-8") for file in files))


Typed = Callable[[str], Ended]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """`python WORDS` in this process, which has the slow imports; only for what ends before any work."""

    def run(words: str) -> Ended:
        name, *arguments = shlex.split(words.removeprefix("-m "))
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
        monkeypatch.setenv("COLUMNS", "200")
        start = runpy.run_path if name.endswith(".py") else runpy.run_module
        with pytest.raises(SystemExit) as ended:
            start(name, run_name="__main__")
        return Ended(int(ended.value.code or 0), "".join(capsys.readouterr()))

    return run


def as_module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__main__").replace("/", ".")


def test_the_commands_are_found() -> None:
    assert {"nightly.py", "reports/__main__.py", "tests/matrix.py", "suites/families/__main__.py"} <= {*COMMANDS}


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")  # other tests import them
@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_explains_itself_with_examples_and_values_that_it_accepts(path: str, typed: Typed) -> None:
    shown = typed(f"-m {as_module(path)} --help")
    assert shown.status == 0, shown.text
    usage, description, rest = shown.text.split("\n\n", 2)
    name = re.match(r"usage: python (-m \S+|\S+\.py)", usage)
    assert name, usage
    assert name[1] in (f"-m {as_module(path)}", path)
    assert re.search(r"[.?:]$", description)
    examples = re.findall(r"^  python (.*?) +# \w", rest.partition("examples:\n")[2], flags=re.MULTILINE)
    assert examples
    for example in [*examples, *(f"{examples[0]} {named}" for named in named_in(shown.text))]:
        assert example.startswith(name[1])
        if path != TO_PYTEST:
            refused = typed(f"{example} {TRY}")
            assert refused.status == 2, example
            assert f"unrecognized arguments: {TRY}; known: --help" in refused.text, refused.text


def named_in(shown: str) -> list[str]:
    """Each option with the value that its help names, as in "such as 1e-3"."""
    found = []
    for text in re.split(r"\n  (?=-)", shown)[1:]:
        words = " ".join(text.partition("\n\n")[0].split())
        option = re.findall(r"--[\w-]+|^-\w", words)[0]
        values = re.findall(r"(?:such as|e\.g\.),? (--\S+?='[^']*'|[^\s,;)]+)", words)
        found += [value if value.startswith("--") else f"{option} {value.rstrip('.')}" for value in values]
    return found


def test_named_values_are_found() -> None:
    shown = "usage: x\n\noptions:\n  -h, --help  help\n  --budget SPEC  at most, such\n      as 1e-3, or less (e.g. 2u)"
    assert named_in(f"{shown}\n  --more A  such as --more='-k b'\n\nexamples:\n") == [
        "--budget 1e-3",
        "--budget 2u",
        "--more='-k b'",
    ]


def test_the_suites_options_begin_with_examples(tmp_path: Path) -> None:
    lines = ran(["-m", "pytest", "suites", "--help"], ROOT, tmp_path).text.splitlines()
    group = lines[lines.index("cosinebench") : lines.index("options of pytest suites:")]
    assert len([line for line in group if line.startswith("  pytest suites --")]) >= 3


@pytest.mark.parametrize("example", re.findall(r"^  pytest suites (--.*?)(?: +#.*)?$", GROUP, flags=re.MULTILINE))
def test_the_suites_accept_their_examples(example: str, copy: Path, tmp_path: Path) -> None:
    ended = ran([*SUITES.split(), "--collect-only", "-q", *shlex.split(example)], copy, tmp_path)
    assert ended.status == 0, ended.text


def test_the_suites_accept_the_values_that_the_help_of_an_option_names(copy: Path, tmp_path: Path) -> None:
    shown = ran([*SUITES.split(), "--help"], ROOT, tmp_path).text
    ours = shown.partition("options of pytest suites:")[2].partition("\n\n")[0]
    arguments = named_in(ours)
    assert "--error-budget 1e-3" in arguments
    few = ["--collect-only", "-q", "--grid=tiny.toml", *shlex.split(" ".join(arguments))]
    ended = ran([*SUITES.split(), *few], copy, tmp_path)
    assert ended.status == 0, ended.text


# Typical slips


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with a run, inputs, a grid and an implementation."""
    root = tmp_path_factory.mktemp("copy")
    Checkout.copy_to(root)
    mine = "@implementation()\n    def mine(x, y, dim=-1):\n        return (x * y).sum(dim)"
    (root / "mine.py").write_text(f"def register(implementation):\n    {mine}\n")
    np.save(root / "embeddings.npy", np.ones((4, 8), dtype=np.float32))
    runs.save(root / "results" / "runs", runs.measured("builtin", [1e-3] * 16, baseline=True), run=runs.head("monday"))
    return root


SUITES = "-m pytest suites"
SLIPS = [  # what is typed; the exit status; what the error says, in this order
    (f"{SUITES} --precison=1", 4, "unrecognized arguments: --precison=1", "did you mean: --precision"),
    (f"{SUITES} --implementation builtin", 4, "--implementation builtin", "did you mean: --implementations"),
    (f"{SUITES} --benchmark-sav", 4, "arguments: --benchmark-sav", "did you mean: --benchmark-save"),
    (f"{SUITES} --device gpu", 4, "unknown device 'gpu'; did you mean 'cuda' or 'mps'? known: cpu, cuda, mps"),
    (
        f"{SUITES} --device CUDA:1",
        4,
        "'CUDA:1'; did you mean 'cuda'?",
        "CUDA_VISIBLE_DEVICES=1",
        "known: cpu, cuda, mps",
    ),
    (f"{SUITES} --grid smok", 4, "no grid 'smok'; did you mean 'smoke'? known: full, gpu, quick, smoke"),
    (f"{SUITES} --grid tiny", 4, "no grid 'tiny'; did you mean 'tiny.toml'? known: full, gpu"),
    (f"{SUITES} --grid tyni.toml", 4, "no file 'tyni.toml'; did you mean 'tiny.toml'? known: "),
    (
        f"{SUITES} --implementations nomalize",
        4,
        "did you mean 'normalize'? known: ",
        "`python -m implementations`",
    ),
    (f"{SUITES} --grid nope.toml", 4, "no file 'nope.toml'; known: full, gpu, quick, smoke, tiny.toml, or the path"),
    (f"{SUITES} --grid smoke.toml", 4, "no file 'smoke.toml'; did you mean 'smoke'? known: full"),
    (
        f"{SUITES} --grid grids/tiny.toml",
        4,
        "no file 'grids/tiny.toml': there is no folder 'grids'; did you mean 'tiny",
    ),
    (f"{SUITES} --grid pyproject.toml", 4, "pyproject.toml holds no grid, which has cases", "known: full, gpu, "),
    (f"{SUITES} --grid suites/grids", 4, "'suites/grids' is a folder, and no grid", "known: full, gpu, quick, smoke, "),
    (f"{SUITES} --grid embeddings.npy", 4, "is a file of another type, and no grid; if it holds rows, --inputs names"),
    (
        f"{SUITES} --implementations-from mine.py,yours.py",
        4,
        "is 2 files; write --implementations-from mine.py --implementations-from yours.py",
    ),
    (f"{SUITES} --implementations-from mien.py", 4, "no file 'mien.py'; did you mean 'mine.py'? known: "),
    (f"{SUITES} --inputs embedings.npy", 4, "'embedings.npy'; did you mean 'embeddings.npy'? known: embeddings.npy"),
    (f"{SUITES} --inputs embeddings.pt", 4, "'embeddings.pt'; did you mean 'embeddings.npy'? known: embeddings.npy"),
    (f"{SUITES} --inputs data/embeddings.npy", 4, "'data/embeddings.npy': there is no folder 'data'; check the path"),
    (f"{SUITES} --inputs=embeddings.npy,y.npy", 4, "is 2 files; separate them by a space: embeddings.npy y.npy"),
    (f"{SUITES} --queries embeddings.npy --corpus a.npy,b.npy", 4, "'a.npy,b.npy' is 2 files; separate them by"),
    (f"{SUITES} --allocator pind", 4, "unknown allocator 'pind'; did you mean 'pinned'? known: found, pinned"),
    (
        "-m reports latst",
        2,
        "no run 'latst'",
        "did you mean 'latest'? known: latest, monday; `python -m results` lists",
    ),
    (
        "-m reports embeddings.npy",
        2,
        "a run is expected, its name or its .jsonl file, and 'embeddings.npy' holds rows; measure them with "
        "`pytest suites --inputs embeddings.npy`\n",
    ),
    ("-m reports latest --against embeddings.npy", 2, "'embeddings.npy' holds rows; measure them with"),
    ("-m reports tiny.toml", 2, "'tiny.toml' may hold a grid; measure it with `pytest suites --grid tiny.toml`"),
    ("-m reports mine.py", 2, "'mine.py' holds code; measure its implementations with `pytest suites --implementat"),
    ("-m reports results/runs", 2, "is a folder of runs; name one of them: results/runs/monday.jsonl"),
    ("-m reports suites", 2, "'suites' is a folder; `python -m results` lists the runs"),
    ("-m results show pyproject.toml", 2, "a run is expected", "'pyproject.toml' may hold a grid"),
    ("-m results results/runs", 2, "'results/runs' is a folder of runs; name one of them: results/runs/monday.jsonl"),
    ("-m results embeddings.npy", 2, "'embeddings.npy' holds rows; measure them with"),
    (f"{SUITES} --resume results/runs", 4, "--resume takes no name: write `--resume --benchmark-save="),
    (f"{SUITES} --resume monday", 4, "write `--resume --benchmark-save=monday` for the run 'monday'"),
    (f"{SUITES} --implementations builtin normalize", 4, "commas join several: `--implementations NAME,normalize`"),
    (f"{SUITES} --dtypes float32 bfloat16", 4, "commas join several: `--dtypes NAME,bfloat16`"),
    (f"{SUITES} --implementations-from suites", 4, "'suites' is a folder; name a Python file with `register`"),
    (f"{SUITES} --baseline builtin,normalize", 4, "is several names; choose one, and measure others by --implement"),
    (f"{SUITES} --resume --benchmark-save=monday", 4, "'monday' measures something else", "--precision: "),
    (f"{SUITES} tiny.toml", 4, "a grid is named by an option: `pytest suites --grid tiny.toml`"),
    (f"{SUITES} mine.py", 4, "are named by an option: `pytest suites --implementations-from mine.py`"),
    (f"{SUITES} results/runs/monday.jsonl", 4, "it holds a run: `python -m reports results/runs/monday.jsonl`"),
    ("-m pytest suites/test_pared.py", 4, "no file 'suites/test_pared.py'; did you mean 'test_paired.py'?"),
    ("-m reports munday", 2, "no run 'munday'", "did you mean 'monday'? known: latest, monday"),
    ("-m reports --error-budget fp32=1e-3", 2, "unknown dtype 'fp32'; did you mean 'float32'? known: float64, float32"),
    ("-m reports --error-budget 2", 2, "'2' would accept any cosine; did you mean 2u", "write an absolute error"),
    (f"{SUITES} --error-budget bf16=0.02", 4, "unknown dtype 'bf16'; did you mean 'bfloat16'? known: float64, float32"),
    ("-m reports --baseline buildin", 2, "'buildin' is not in the run 'monday'; did you mean 'builtin'?"),
    (f"{SUITES} --baseline compiled_dott", 4, "'compiled_dott'; did you mean 'compiled_dot'? known: compiled_dot, "),
    ("-m reports monday --against latest", 2, "'monday' would be compared with itself; name an older run"),
    ("-m reports --baseline a --baseline b", 2, "argument --baseline: is there twice, with 'a' and 'b'; leave one out"),
    ("-m reports --error-budget 16u --error-budget 1e-3", 2, "argument --error-budget: is there twice; leave one out"),
    *(
        (f"{SUITES} {option} {first} {option} {second}", 4, f"{option}: is there twice, with '{first}' and '{second}'")
        for option, first, second in [
            ("--queries", "a.npy", "b.npy"),
            ("--corpus", "a.npy", "b.npy"),
            ("--k", "5", "6"),
            ("--dtypes", "float32", "float16"),
            ("--implementations", "builtin", "normalize"),
            ("--baseline", "builtin", "normalize"),
            ("--error-budget", "1e-3", "16u"),
        ]
    ),
    ("-m reports --againts monday", 2, "arguments: --againts; did you mean --against?"),
    ("-m results show latest --format cvs", 2, "'cvs'; did you mean 'csv'? known: table, csv, json, markdown"),
    ("-m results shwo latest", 2, "'shwo'; did you mean 'show'? known: show"),
    ("-m results show latest --outptu x", 2, "unrecognized arguments: --outptu; did you mean --output?"),
    ("-m results --limit 3", 2, "unrecognized arguments: --limit; known: --help, --format, --baseline, --output"),
    ("-m results --formt csv", 2, "unrecognized arguments: --formt; did you mean --format?"),
    ("-m reports monday tuesday", 2, "unrecognized arguments: tuesday; --help shows what it takes"),
    ("-m results show latest --output nodir/x.csv", 2, "--output: there is no folder 'nodir'; make it, or choose"),
    ("-m results monday", 2, "unknown value 'monday'; known: show; did you mean `python -m results show monday`?"),
    ("-m suites.trials --implementations acurate", 2, "unknown implementation 'acurate'; did you mean 'accurate'?"),
]


@pytest.mark.parametrize("slip", SLIPS, ids=[typed for typed, *_ in SLIPS])
def test_a_slip_is_answered_with_what_was_meant_and_what_is_known(
    slip: tuple[str, int, str], copy: Path, tmp_path: Path
) -> None:
    typed, status, *parts = slip
    ended = ran(typed.split(), copy, tmp_path)
    assert ended.status == status, ended.text
    assert re.search(".*".join(map(re.escape, parts)), ended.text, re.DOTALL), ended.text
    assert "Traceback" not in ended.text


def test_a_misspelt_option_is_at_fault_not_what_else_is_missing(typed: Typed) -> None:
    assert typed("-m diagnosis --jsn").text.endswith("unrecognized arguments: --jsn; did you mean --json?\n")


NOWHERE = [  # what selects nothing; what is said
    (
        "--grid tiny.toml -k normalise",
        r"nothing +-k 'normalise' has no case and .*; no name holds 'normalise'; did you mean 'normalize'\?\n"
        r"tasks +paired\ndtypes +float32\nshapes +8x64, 4x32\nimplementations +normalize, ",
    ),
    ("--grid tiny.toml -k fp32", r"no name holds 'fp32'; did you mean 'float32'\?"),
    ("--grid tiny.toml -k 8x46", r"no name holds '8x46'; did you mean '8x64'\?"),
    ("--grid tiny.toml -k nosuchthing", r"no name holds 'nosuchthing'\ntasks "),
    ("--grid tiny.toml -k 8x64 --deselect suites", r"-k '8x64' has no case .*; each word is in some name"),
    (
        "suites/test_angle.py --grid smoke --implementations builtin",
        r"this selection has no case.*\ntasks +paired, feature_maps\n.*left out +.*angle: none of the implementations",
    ),
]


@pytest.mark.parametrize(("arguments", "said"), NOWHERE, ids=[arguments for arguments, _ in NOWHERE])
def test_an_empty_selection_names_the_word_at_fault_and_what_can_be_selected(
    arguments: str, said: str, copy: Path, tmp_path: Path
) -> None:
    words = arguments.split()
    named = [] if words[0].startswith("suites") else ["suites"]
    ended = ran(["-m", "pytest", *named, *words], copy, tmp_path)
    assert ended.status in (0, 5), ended.text
    assert re.search(said, ended.text, re.DOTALL), ended.text
    assert "\ntime " not in ended.text, "nothing takes no time"


IN_A_GRID = [
    ('"float32"', '"fp16"', "unknown dtype 'fp16'; did you mean 'float16'? known: float64, float32, float16, bfloat16"),
    ("dtypes", "dtype", "unknown key 'dtype'; did you mean 'dtypes'? known: "),
    ('"paired"', '"pair"', "unknown task 'pair'; did you mean 'paired'? known: paired, feature_maps, pairwise"),
    ("seconds = ", 'families = ["zero"]\nseconds = ', "unknown family 'zero'; did you mean 'zeros'? known: zeros, "),
    (
        '["float32"]',
        '["float32"]\ninputs = "file:emb.npy"',
        "inputs 'file:emb.npy', a path from the grid's folder: there is no file '{folder}/emb.npy'; did you mean "
        "'embs.npy'? known: embs.npy",
    ),
    (
        '["float32"]',
        '["float32"]\ninputs = "file:embs.npy,y.npy"',
        'inputs \'file:embs.npy,y.npy\' is 2 files; x and y are inputs = [["file:embs.npy", "file:y.npy"]]',
    ),
    ('["float32"]', '["float32"]\ndevices = ["gpu"]', "unknown device 'gpu'; did you mean 'cuda' or 'mps'? known: cpu"),
]


@pytest.mark.parametrize(("right", "typed", "message"), IN_A_GRID, ids=[typed for _, typed, _ in IN_A_GRID])
def test_a_slip_in_a_grid_is_answered_as_well(right: str, typed: str, message: str, copy: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GRID.replace(right, typed))
    (tmp_path / "embs.npy").touch()
    (tmp_path / "emb.toml").touch()
    ended = ran([*SUITES.split(), "--grid", str(tmp_path / "mine.toml")], copy, tmp_path)
    assert ended.status == 4
    assert "mine.toml" in ended.text
    assert message.replace("{folder}", str(tmp_path)) in ended.text


@pytest.mark.parametrize(
    ("typed", "meant"),
    {
        "fp64": "float64",
        "f32": "float32",
        "float": "float32",
        "torch.float32": "float32",
        "Half": "float16",
        "bf16": "bfloat16",
        "bfloat": "bfloat16",
        "double": "float64",
        "flaot16": "float16",
    }.items(),
)
def test_a_dtype_by_another_word_is_understood(typed: str, meant: str) -> None:
    known = ("float64", "float32", "float16", "bfloat16")
    assert did_you_mean(typed, known) == f"; did you mean '{meant}'? known: {', '.join(known)}"


def test_nothing_is_suggested_where_nothing_is_near() -> None:
    assert did_you_mean("xyz", ["", "cpu", "cuda"]) == "; known: cpu, cuda"
    assert did_you_mean("half", ["one", "two"]) == "; known: one, two"


def test_of_many_names_the_nearest_are_listed_and_the_command_for_all() -> None:
    names = [f"other_{number}" for number in range(30)] + ["normalize", "normalize_upcast"]
    end = did_you_mean("normalise", names, every="python -m names")
    assert end.startswith("; did you mean 'normalize'? known: normalize, normalize_upcast, other_")
    assert end.count(",") == nearest.MOST - 1
    assert end.endswith(" and 22 more; `python -m names` lists all")


def test_two_files_are_not_alike_for_their_type() -> None:
    assert nearest.nearest("nope.toml", ["tiny.toml"]) == []
    assert nearest.nearest("x.npy", ["y.npy", "xs.npy"]) == ["xs.npy"]
    assert nearest.nearest("tyni.toml", ["tiny.toml"]) == ["tiny.toml"]


def test_half_a_name_is_completed() -> None:
    assert nearest.nearest("broad", ["board", "broadcast"]) == ["broadcast"]
