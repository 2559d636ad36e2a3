"""Does each processor and CPU capability have its own cache of compiled kernels?"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from suites import compile_cache

NAME = "TORCHINDUCTOR_CACHE_DIR"


def folder(monkeypatch: pytest.MonkeyPatch, found: str, capability: str = "AVX512", features: str = "fma avx2") -> Path:
    """The folder for kernels when the environment variable is `found`."""
    monkeypatch.setenv(NAME, found)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(compile_cache, "_features", lambda: features)
    compile_cache.separate()
    return Path(os.environ[NAME])


def test_each_processor_and_capability_has_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {
        folder(monkeypatch, "/home/me/kernels", capability, features)
        for capability in ("AVX512", "AVX2", "NO AVX")
        for features in ("fma avx2", "fma avx2 amx_bf16")
    }
    assert len(folders) == 6
    assert {one.parent for one in folders} == {Path("/home/me/kernels")}
    assert all(one.name.endswith(("-avx512", "-avx2", "-no_avx")) for one in folders)


def test_a_child_process_takes_its_parents_folder_or_a_sibling(monkeypatch: pytest.MonkeyPatch) -> None:
    parents = folder(monkeypatch, "/home/me/kernels")
    assert folder(monkeypatch, str(parents)) == parents
    assert folder(monkeypatch, str(parents), "AVX2").parent == parents.parent
    assert folder(monkeypatch, str(parents), "AVX2") != parents


def test_the_folder_is_below_torchs_own_where_the_user_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder(monkeypatch, "").parent == compile_cache._default()
    script = "from torch._inductor.runtime.cache_dir_utils import default_cache_dir as d; print(d())"
    known = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert Path(known.stdout.strip()) == compile_cache._default()


def test_the_tests_have_such_a_folder_too() -> None:
    assert compile_cache._OURS.fullmatch(Path(os.environ[NAME]).name)


def test_the_instruction_sets_are_read_where_linux_lists_them() -> None:
    listed = Path("/proc/cpuinfo").is_file()
    assert bool(compile_cache._features()) == listed


def test_compiled_graphs_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kernels = folder(monkeypatch, str(tmp_path))
    assert compile_cache.graphs() == 0
    for name in ("aa/one", "aa/two", "bb/three"):
        (kernels / "fxgraph" / name).mkdir(parents=True)
    assert compile_cache.graphs() == 3
