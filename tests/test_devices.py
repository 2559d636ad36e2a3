"""Does a second run on a device wait its turn, and does a lock end with its run?"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from suites.plugin.devices import FOLDER, DeviceTaken, claim

ROOT = Path(__file__).parent.parent
CLAIM = "import sys; from suites.plugin.devices import claim; held = claim(sys.argv[1:], 'first'); print(flush=True)"


@pytest.fixture(autouse=True)
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "locks"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_a_second_run_on_a_device_is_refused_with_the_name_of_the_first() -> None:
    with claim(["cpu"], "first"):
        with pytest.raises(DeviceTaken, match=r"the run 'first' \(.*process.*\) is measuring on cpu"):
            claim(["cuda", "cpu"], "second")
        with claim(["cuda"], "third"):
            pass
    with claim(["cpu", "cuda"], "fourth"):
        pass


def test_runs_on_two_gpus_are_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    with claim(["cuda"], "first"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
        with claim(["cuda"], "second"):
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
            with pytest.raises(DeviceTaken, match="'first'"):
                claim(["cuda"], "third")


def test_the_lock_of_another_process_ends_with_it() -> None:
    command = [sys.executable, "-c", f"{CLAIM}; sys.stdin.read()", "cpu"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(DeviceTaken, match="'first'"):
            claim(["cpu"], "second")
        other.kill()
    with claim(["cpu"], "second"):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_the_lock_file_of_another_user_can_be_locked(tmp_path: Path) -> None:
    with claim(["cpu"], "first"):
        pass
    (file,) = (tmp_path / "locks").iterdir()
    file.chmod(0o444)
    with claim(["cpu"], "second"), pytest.raises(DeviceTaken):
        claim(["cpu"], "third")
