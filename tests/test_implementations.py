"""Do the implementations compute cosines, and is a new one either registered or refused with a reason?"""

import functools
import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

import implementations
from implementations import Implementation, discovery, registry
from implementations.registry import RegistryError, implementation
from suites.failure import Failure, contestant
from suites.inputs import make_inputs
from suites.records.case import ALL_PAIRS, CONTRACT, Case
from suites.truth import oracle
from suites.truth.bound import bounds
from suites.truth.checks import name_of, require_form, require_tensor
from suites.truth.fault import CaseFault, fault, lines
from suites.truth.top_k import all_pairs

ROOT = Path(__file__).parent.parent
CASES = (
    Case(task="paired", shape=(13, 300), dtype="", device="cpu"),
    Case(task="feature_maps", shape=(6, 5, 7, 3), dtype="", device="cpu"),
    Case(task="feature_maps", shape=(6, 5, 7, 3), dtype="", device="cpu", memory_format="channels_last"),
    Case(task="pairwise", shape=(7, 11, 300), dtype="", device="cpu"),
    Case(task="top_k", shape=(7, 11, 300), k=4, dtype="", device="cpu"),
    Case(task="angle", shape=(13, 300), dtype="", device="cpu", inputs="positive"),
)
PRESENT = tuple(map(implementations.get, implementations.names()))
COMPILED = [entry for entry in PRESENT if entry.name.startswith("compiled")]  # compiling takes seconds
DIMS = (0, 2, -2, (1,), (-3, -2, -1), (3, 1), (0, 1, 2, 3))


@pytest.fixture(autouse=True)
def _registry_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    registry.load()
    monkeypatch.setattr(registry, "_present", registry._present.copy())
    monkeypatch.setattr(registry, "_absent", registry._absent.copy())


def reference(case: Case, x: torch.Tensor, y: torch.Tensor) -> npt.NDArray[np.floating]:
    if case.task == "angle":
        return oracle.angles(x, y)
    x, y = (t.double().flatten(1) / t.double().flatten(1).norm(dim=1, keepdim=True) for t in (x, y))
    return (x @ y.T if case.task in ALL_PAIRS else (x * y).sum(1)).numpy()


@pytest.mark.parametrize("entry", PRESENT, ids=lambda entry: entry.name)
def test_an_implementation_is_right_in_every_dtype_that_it_takes_and_over_any_dims(entry: Implementation) -> None:
    with torch.no_grad():
        found = [fault(case, entry, *make_inputs(case)) or second_opinion(case, entry) for case in solved(entry)]
        faults = list(filter(None, found)) or [*over_any_dims(entry), *of_parallel_rows(entry)]
    if faults:
        pytest.fail("\n".join(lines(entry.name, faults)), pytrace=False)


def solved(entry: Implementation) -> Iterator[Case]:
    """The cases of an implementation; few for one that is compiled, which takes seconds."""
    one = ("float32" if "float32" in entry.dtypes else "bfloat16",)
    for case in CASES:
        if entry.task == CONTRACT[case.task] and not (entry in COMPILED and case.memory_format == "channels_last"):
            yield from (replace(case, dtype=dtype) for dtype in (one if entry in COMPILED else entry.dtypes))


def second_opinion(case: Case, entry: Implementation) -> CaseFault | None:
    """The fault by a truth of torch's own, in float64."""
    x, y = make_inputs(case)
    try:
        with contestant():
            output = all_pairs(entry, x, y) if case.task in ALL_PAIRS else entry.fn(x, y, case.dim)
    except Failure as failure:  # top_k, asked for all rows of the corpus
        return CaseFault(f"{case.task} of all rows", case.dtype, failure.reason)
    result = require_form(replace(case, task="pairwise", k=0) if case.task == "top_k" else case, output)
    truth = reference(case, *make_inputs(case))
    allowed = bounds(entry, case.length, case.dtype, name_of(result.dtype), truth)
    right = (np.abs(result.double().numpy() - truth) <= allowed).all()
    return None if right else CaseFault(case.task, case.dtype, "off from torch's result in float64")


def over_any_dims(entry: Implementation) -> Iterator[CaseFault]:
    """The faults of a paired implementation over dims that no task has: they are summed over and removed."""
    x, y = make_inputs(replace(CASES[1], dtype="float32"))
    a, b = x.double(), y.double()
    for dim in DIMS if entry.task == "paired" and "float32" in entry.dtypes and entry not in COMPILED else ():
        expected = (a * b).sum(dim) / ((a * a).sum(dim) * (b * b).sum(dim)).sqrt()
        try:
            with contestant():
                output = entry.fn(x.clone(), y.clone(), dim)
            result = require_tensor(output, tuple(expected.shape), (torch.float32,), "cpu")
        except Failure as failure:
            yield CaseFault(f"dim={dim}", "float32", failure.reason)
            continue
        off = float((result.double() - expected).abs().max())
        if not off < 1e-6:
            yield CaseFault(f"dim={dim}", "float32", f"off by {off:.2g} where 1e-06 is allowed")


def of_parallel_rows(entry: Implementation) -> Iterator[CaseFault]:
    """The faults of an angle between rows that are equal up to scale and sign. Torch's own is known to give NaN."""
    cases = solved(entry) if entry.task == "angle" and not entry.baseline else ()
    for case in (replace(case, shape=(256, 300)) for case in cases):
        x, _ = make_inputs(case)
        y = x * torch.tensor([1.0, -0.5, 2.0, -1.0], dtype=x.dtype).repeat(64)[:, None]
        if found := fault(case, entry, x, y):
            yield found._replace(task="angle of rows equal up to scale")


def test_what_is_registered_can_be_got_by_name() -> None:
    fn = implementations.get("normalize").fn
    assert fn(torch.ones(2, 3), torch.ones(2, 3)).tolist() == pytest.approx([1, 1])
    assert "normalize" in implementations.names("paired")
    assert "normalize" not in implementations.names("pairwise")
    assert [e.name for e in PRESENT if e.baseline] == ["acos_builtin", "broadcast", "broadcast_top_k", "builtin"]


def test_a_file_is_named_like_an_implementation_in_it_so_that_an_absent_one_is_known_by_its_name() -> None:
    files = {Path(inspect.getsourcefile(entry.fn) or "").stem for entry in PRESENT}
    assert files <= {entry.name for entry in PRESENT}
    assert all(inspect.getdoc(entry.fn) for entry in PRESENT)


def test_an_unknown_name_gets_the_nearest_one_and_the_absent_files() -> None:
    registry.mark_absent("kernels", discovery.because("warpcos"))
    message = r"unknown implementation 'normalise'; did you mean 'normalize'\? known: .*; kernels is absent: the module"
    with pytest.raises(RegistryError, match=message):
        implementations.get("normalise")


class Unspeakable(Exception):
    def __init__(self, raised: BaseException) -> None:
        self.raised = raised

    def __str__(self) -> str:
        raise self.raised


@pytest.mark.parametrize("raised", [ValueError(), SystemExit(0), RecursionError()])
def test_an_exception_without_a_text_is_a_failure_like_any_other(raised: BaseException) -> None:
    message = r"^Unspeakable: its text cannot be read, because __str__ raises"
    with pytest.raises(Failure, match=message) as failure, contestant():
        raise Unspeakable(raised)
    assert failure.value.status == "error"


def test_an_exception_whose_text_is_no_text_is_a_failure_too() -> None:
    class Numbered(Exception):
        __str__ = lambda self: 3  # type: ignore[assignment,return-value]  # noqa: E731

    with pytest.raises(Failure, match="__str__ raises TypeError"), contestant():
        raise Numbered


@pytest.mark.parametrize("name", [3, "", ".", "..x", "__main__"])
def test_an_import_error_with_an_odd_name_is_no_absence(name: object) -> None:
    assert discovery.missing_package(ModuleNotFoundError("no", name=name)) is None  # type: ignore[arg-type]


def test_a_users_file_without_its_package_is_named_before_what_else_is_known() -> None:
    registry.mark_absent("kernels", discovery.because("warpcos"))
    message = r"^unknown implementation 'zzz'; kernels is absent: the module 'warpcos' is not installed; .*; known: "
    with pytest.raises(RegistryError, match=message):
        implementations.get("zzz")


def test_an_absent_implementation_names_the_missing_package() -> None:
    registry.mark_absent("warp", discovery.because("warpcos"))
    message = "'warp' is absent: the module 'warpcos' is not installed; `pip install` the package that provides it"
    with pytest.raises(RegistryError, match=message):
        implementations.get("warp")


def test_ours_are_installed_by_the_extra_whatever_their_packages_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.metrics.pairwise", None)
    monkeypatch.setattr(discovery.importlib.util, "find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "implementations.scikit_learn")
    discovery.load_folder()
    reason = registry.absent()["scikit_learn"]
    assert reason.startswith("the module 'sklearn' is not installed; `pip install '.[contestants]'` adds")


def mine(x, y, dim=-1): ...  # type: ignore[no-untyped-def]


def test_the_decorator_returns_the_function_and_keeps_its_options() -> None:
    assert implementation(dtypes="float64", devices=("cpu", "cuda"), torch_memory=False)(mine) is mine
    entry = implementations.get("mine")
    assert (entry.fn, entry.task, entry.dtypes, entry.devices) == (mine, "paired", ("float64",), ("cpu", "cuda"))
    assert (entry.baseline, entry.torch_memory) == (False, False)


def test_a_decorator_without_parentheses_is_refused() -> None:
    with pytest.raises(RegistryError, match=r"write @implementation\(\) above it, with the parentheses"):
        registry.implementation(lambda x, y, dim=-1: x)  # type: ignore[arg-type]


async def later(x, y, dim=-1): ...  # type: ignore[no-untyped-def]


class Model:
    def __init__(self, x: object, y: object, dim: int = -1) -> None: ...

    def __call__(self, x: object, y: object, dim: int = -1) -> None: ...


@pytest.mark.parametrize(
    ("fn", "shown"),
    [
        (lambda x, y, dim=-1: x, "<lambda>"),
        (later, "function later"),
        (functools.partial(mine, dim=1), "functools.partial"),
        (Model, "class .*Model"),
        (Model(0, 0), "Model object"),
        (Model(0, 0).__call__, "bound method Model"),
        (torch.cosine_similarity, "built-in"),
    ],
    ids=["lambda", "async", "partial", "class", "object", "method", "builtin"],
)
def test_what_is_no_plain_function_is_refused(fn: Callable[..., object], shown: str) -> None:
    with pytest.raises(
        RegistryError, match=rf"{shown}.* is no plain function with a name: write def NAME\(x, y, dim=-1"
    ):
        implementation()(fn)


def test_there_is_one_baseline_a_task() -> None:
    def mine(x: torch.Tensor, y: torch.Tensor, dim: int = -1) -> torch.Tensor:
        return x

    with pytest.raises(RegistryError, match="'mine' can't be the baseline of the task 'paired': 'builtin' is"):
        registry.implementation(baseline=True)(mine)


def test_two_of_one_name_are_refused() -> None:
    def builtin(x, y, dim=-1): ...  # type: ignore[no-untyped-def]

    where = r"one in .*implementations/builtin\.py, one in .*tests/test_implementations\.py"
    with pytest.raises(RegistryError, match=f"two implementations are called 'builtin': {where}; rename"):
        implementation()(builtin)


@pytest.mark.parametrize(
    ("task", "arguments", "form"),
    [
        ("paired", "x, y", r"\(x, y, dim=-1\)"),
        ("paired", "x, y, dim", r"\(x, y, dim=-1\)"),
        ("paired", "x, y, axis=-1", r"\(x, y, dim=-1\)"),
        ("paired", "x, y, *, dim=-1", r"\(x, y, dim=-1\)"),
        ("paired", "x, *, y, dim=-1", r"\(x, y, dim=-1\)"),
        ("pairwise", "x", r"\(x, y\)"),
        ("pairwise", "*, x, y", r"\(x, y\)"),
        ("pairwise", "x, y, temperature", r"\(x, y\)"),
        ("top_k", "x, y", r"\(x, y, k\)"),
        ("top_k", "x, y, *, k", r"\(x, y, k\)"),
    ],
)
def test_a_wrong_signature_gets_the_right_one(task: str, arguments: str, form: str) -> None:
    fn = eval(f"lambda {arguments}: x")
    fn.__name__ = "mine"
    with pytest.raises(RegistryError, match=rf"mine\(.*wrong signature for .* '{task}': write it as mine{form}"):
        implementation(task)(fn)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "pairwize"}, r"unknown task 'pairwize'; did you mean 'pairwise'\? known: paired, pairwise"),
        ({"dtypes": "fp32"}, r"unknown dtype 'fp32'; did you mean 'float32'\?"),
        ({"dtypes": ("float32", "int8")}, "unknown dtype 'int8'.* known: float64, float32, float16, bfloat16"),
        ({"dtypes": torch.float32}, r"unknown dtype torch\.float32; did you mean 'float32'\?"),
        ({"devices": "gpu"}, "unknown device 'gpu'.* known: cpu, cuda, mps"),
        ({"dtype": "float32"}, "takes no argument 'dtype'; did you mean 'dtypes'.* known: dtypes, .*devices"),
        ({"work": "fp32"}, r"unknown dtype 'fp32'; did you mean 'float32'\? known: float64"),
        ({"dot": "cascades"}, r"unknown way of summing 'cascades'; did you mean 'cascade'\? known: one by one, lanes"),
        ({"norm": None}, "unknown way of summing None; known: one by one, lanes, cascade"),
        ({"task": "angle", "angle_by": "atan"}, r"unknown way to an angle 'atan'; did you mean 'atan2'\? known: acos"),
        ({"angle_by": "atan2"}, "angle_by is for the task 'angle', and 'paired' gives cosines; leave it out"),
        ({"prepare": len}, "prepare is for a corpus, of the tasks 'pairwise' and 'top_k', not 'paired'; leave it out"),
        ({"task": "top_k", "prepare": 3}, "prepare is 3; it has to be a function that takes the corpus y alone"),
        ({"task": "top_k", "prepare": lambda x, y: y}, "it has to be a function that takes the corpus y alone"),
        ({"roundings": -1}, "roundings is -1; it has to be a number from 0 on, such as 5.5"),
        ({"roundings": True}, "roundings is True; it has to be"),
        ({"roundings": float("nan")}, "roundings is nan; it has to be"),
    ],
)
def test_unknown_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(RegistryError, match=message):
        implementation(**options)(mine)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["task", "work", "dot", "norm", "angle_by"])
def test_an_implementation_cannot_have_unknown_options(field: str) -> None:
    with pytest.raises(RegistryError, match=r"unknown .* 'Float32'"):
        replace(implementations.get("builtin"), **{field: "Float32"})


@pytest.mark.parametrize("task", ["pairwise", "top_k"])
def test_an_implementation_may_prepare_its_corpus(task: str, tmp_path: Path) -> None:
    discovery.load_file(
        file_of(
            tmp_path,
            f"""
def register(implementation):
    @implementation({task!r}, prepare=lambda y: y.T.contiguous())
    def mine(x, y, k=1):
        return (x @ y).topk(k)
""",
        )
    )
    entry = implementations.get("mine")
    assert entry.prepare is not None
    x, y = torch.eye(3), torch.arange(12.0).reshape(4, 3)
    assert entry.fn(x, entry.prepare(y), 2)[1].tolist() == [[3, 2]] * 3


THIRD_PARTY = '''
def register(implementation):
    @implementation()
    def mine(x, y, dim=-1):
        """Mine."""
        return (x * y).sum(dim)
'''


def file_of(folder: Path, text: str, name: str = "third_party.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_third_party_file_is_handed_the_decorator(tmp_path: Path) -> None:
    discovery.load_file(file_of(tmp_path, THIRD_PARTY))
    assert implementations.get("mine").fn(torch.ones(1, 2), torch.ones(1, 2)).tolist() == [2]


NONE = r"no function register\(implementation\): .*"
BAD_MODULES = [  # of a file or an entry point, with the error for each
    ("", NONE + r"no attribute 'register'; CONTRIBUTING\.md shows one, in ten lines"),
    ("register = 3", NONE + "3 is not a callable object"),
    ("def register(): pass", NONE + "too many positional arguments"),
    ("def register(implementation, more): pass", NONE + "missing a required argument: 'more'"),
    ("register = getattr", NONE + "no signature found for builtin"),
    ("def register(implementation): pass", r"register\(implementation\) registers nothing"),
    ("class register:\n    def __init__(self, implementation): pass", "registers nothing"),
    ("def register(implementation): implementation()(f)\ndef f(x): pass", r"f\(x\) has the wrong signature"),
    ("def register(implementation): int('four')", "invalid literal for int.*'four'"),
    ("x = 1\nis not Python", r"invalid syntax \(mine\.py, line 2\)"),
    (THIRD_PARTY.replace("mine", "builtin"), "two implementations are called 'builtin'"),
]


@pytest.mark.parametrize(("text", "message"), BAD_MODULES)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RegistryError, match=rf"{tmp_path}/mine\.py: .*{message}"):
        discovery.load_file(file_of(tmp_path, text, "mine.py"))


@pytest.mark.parametrize(("text", "message"), BAD_MODULES)
def test_an_entry_point_that_cannot_be_used_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    file_of(tmp_path, text, "mine.py")
    with pytest.raises(RegistryError, match=rf"entry point 'fast' = 'mine:register': .*{message}"):
        load_entry_point("mine:register", tmp_path, monkeypatch)


def load_entry_point(target: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "entry_points", lambda group: [EntryPoint("fast", target, group)])
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    discovery.load_entry_points()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("math:pi", r"no function pi\(implementation\): 3\.14\d* is not a callable object"),
        ("math:nosuch", r"no function nosuch\(implementation\): module 'math' has no attribute 'nosuch'"),
        ("math:pi.nosuch", r"no function pi\.nosuch\(implementation\): 'float' object has no attribute 'nosuch'"),
        ("math", r"no function register\(implementation\): module 'math' has no attribute 'register'"),
    ],
)
def test_an_entry_point_that_names_no_function_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, message: str
) -> None:
    with pytest.raises(RegistryError, match=f"entry point 'fast' = '{target}': {message}"):
        load_entry_point(target, tmp_path, monkeypatch)


def test_a_bug_of_a_third_party_surfaces_with_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        discovery.load_file(file_of(tmp_path, "def register(implementation):\n    1 / 0"))
    assert (caught.traceback[-1].path, caught.traceback[-1].lineno) == (tmp_path / "third_party.py", 1)


def test_a_file_that_is_no_python_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"--implementations-from: .*mine\.txt' is not a Python file \(\.py\)"):
        discovery.load_file(file_of(tmp_path, THIRD_PARTY, "mine.txt"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"--implementations-from: there is no file '.*missing\.py'"):
        discovery.load_file(tmp_path / "missing.py")


def test_a_file_whose_optional_package_is_missing_is_absent(tmp_path: Path) -> None:
    discovery.load_file(file_of(tmp_path, "import no_such_package.kernels" + THIRD_PARTY))
    assert registry.absent()["third_party"].startswith("the module 'no_such_package' is not installed; `pip")


@pytest.mark.parametrize("line", ["import torch.no_such_module", "from torch import no_such_function"])
def test_a_misspelt_import_of_an_installed_package_is_a_bug_not_an_absence(tmp_path: Path, line: str) -> None:
    with pytest.raises(ImportError, match="no_such"):
        discovery.load_file(file_of(tmp_path, line + THIRD_PARTY))


def test_installed_packages_register_through_the_entry_point_group(tmp_path: Path) -> None:
    file_of(tmp_path, THIRD_PARTY, "good_plugin.py")
    file_of(tmp_path, "import no_such_package" + THIRD_PARTY, "absent_plugin.py")
    metadata = tmp_path / "plugins-1.0.dist-info"
    metadata.mkdir()
    file_of(metadata, "Metadata-Version: 2.1\nName: plugins\nVersion: 1.0\n", "METADATA")
    targets = "mine = good_plugin:register\ntheirs = absent_plugin\n"
    file_of(metadata, f"[{discovery.ENTRY_POINTS}]\n{targets}", "entry_points.txt")
    script = (
        "from implementations import registry\n"
        "assert 'mine' in registry.names('paired'), registry.names()\n"
        "assert 'no_such_package' in registry.absent()['theirs'], registry.absent()\n"
    )
    path = os.pathsep.join((str(ROOT), str(tmp_path)))
    subprocess.run([sys.executable, "-c", script], check=True, env=os.environ | {"PYTHONPATH": path})
