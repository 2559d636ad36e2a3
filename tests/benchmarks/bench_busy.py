"""Do two runs of one code give contradicting answers when one of them runs on a busy machine?

Each pair is a run on the machine as it is, and one with a second process that uses a core and a half, in random order.
Both go through `pytest suites` in a copy of the checkout. The contestants are threaded (the built-in, a compiled form)
and single-threaded (NumPy). Start it on a quiet machine.

A verdict is *firm* unless it is provisional. Two firm verdicts contradict each other if one is `faster` and the other
`slower`. Two firm winners contradict each other if each is faster than the other by the whole 95 % interval of both
runs. The target is no contradiction. A quiet run without any firm verdict shows that the limits are too strict.
"""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from command import Command  # noqa: E402
from results import load, load_end  # noqa: E402

MOST_RUN_S = 300
CONTESTANTS = "builtin,compiled_dot,normalize,mine_numpy,mine_einsum"
GRID = """
seconds = 0.4
[[cases]]
task = "paired"
shapes = [[20000, 384], [256, 384]]
dtypes = ["float32"]
"""
MINE = '''
import numpy as np
import torch


def register(implementation):
    @implementation(dtypes=("float32",), devices="cpu", torch_memory=False)
    def mine_numpy(x, y, dim=-1):
        """NumPy's own loops, on one thread."""
        x, y = x.numpy(), y.numpy()
        return torch.from_numpy((x * y).sum(-1) / np.sqrt((x * x).sum(-1) * (y * y).sum(-1)))

    @implementation(dtypes=("float32",), devices="cpu", torch_memory=False)
    def mine_einsum(x, y, dim=-1):
        """NumPy's einsum, on one thread."""
        x, y = x.numpy(), y.numpy()
        dot = lambda a, b: np.einsum("nd,nd->n", a, b)
        return torch.from_numpy(dot(x, y) / np.sqrt(dot(x, x) * dot(y, y)))
'''
BURNER = f"""
import threading, time, zlib
block = bytes(1 << 20)

def burn(duty, until):
    while (start := time.perf_counter()) < until:
        while time.perf_counter() < start + 0.02 * duty:
            zlib.crc32(block)  # releases the interpreter's lock
        time.sleep(0.02 * (1 - duty))

until = time.perf_counter() + {MOST_RUN_S}
threads = [threading.Thread(target=burn, args=(duty, until), daemon=True) for duty in (1.0, 0.5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@contextmanager
def load_of_others(busy: bool) -> Iterator[None]:
    """With `busy`, a second process uses a core and a half inside this context."""
    if not busy:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", BURNER])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def copy_of_checkout(folder: Path) -> Path:
    """A copy of what measures, with the grid and the contestants of this experiment."""
    for room in ("implementations", "suites", "results", "reports"):
        shutil.copytree(
            ROOT / room, folder / room, ignore=shutil.ignore_patterns("runs", "profiles", "out", "published")
        )
    for file in (*ROOT.glob("*.py"), ROOT / "pyproject.toml"):
        shutil.copy2(file, folder)
    (folder / "busy.toml").write_text(GRID)
    (folder / "mine.py").write_text(MINE)
    return folder


def run(checkout: Path, name: str, busy: bool) -> pd.DataFrame:
    """The table of one run, by case and implementation, with the columns `firm` and `low` to `high`."""
    words = ["suites", "--grid=busy.toml", f"--implementations={CONTESTANTS}", "--implementations-from=mine.py"]
    only = ["-m", "cases", f"--benchmark-save={name}", "-q", "-p", "no:cacheprovider"]
    with load_of_others(busy):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words, *only],
            cwd=checkout,
            capture_output=True,
            text=True,
            timeout=MOST_RUN_S,
            check=False,
        )
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    table = load(name, root=checkout / "results" / "runs")
    table["firm"] = ~table["verdict"].str.startswith("provisional")
    return table.set_index(["case", "implementation"])


def winners(table: pd.DataFrame) -> dict[str, str]:
    """The fastest contestant of each case, if its answer is firm."""
    best = table["ratio"].groupby("case").idxmin()
    return {case: name for case, name in best if table.loc[(case, name), "firm"]}


def contradictions(one: pd.DataFrame, other: pd.DataFrame) -> list[str]:
    """What two runs say firmly and differently."""
    found = []
    for key in one.index.intersection(other.index):
        said = {table.loc[key, "verdict"] for table in (one, other)}
        if said == {"faster", "slower"}:
            found.append(f"{key[0]}: {key[1]} is faster, and slower")
    first, second = winners(one), winners(other)
    for case in first.keys() & second.keys():
        a, b = (case, first[case]), (case, second[case])
        if a != b and _beats(one, a, b) and _beats(other, b, a):
            found.append(f"{case}: {a[1]} wins, and {b[1]}")
    return found


def _beats(table: pd.DataFrame, a: tuple[str, str], b: tuple[str, str]) -> bool:
    return bool(table.loc[a, "ratio_high"] < table.loc[b, "ratio_low"])


def main() -> None:
    """Run the pairs, print a line for each run, and what contradicts."""
    parser = Command(
        "python -m tests.benchmarks.bench_busy", __doc__, {"": "20 pairs of runs", "--pairs 1": "a first look"}
    )
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=15.0, help="no pair begins after 9/10 of it")
    options = parser.parse_args()
    rng, started, tables = random.Random(0), time.monotonic(), dict[tuple[int, str], pd.DataFrame]()
    firm, verdicts, found = Counter[str](), Counter[str](), list[str]()
    print(f"{'pair':>4}  {'machine':8} {'seconds':>7} {'waited':>6} {'firm':>4} of  winners (firm ones)")
    with tempfile.TemporaryDirectory() as folder:
        checkout = copy_of_checkout(Path(folder))
        for pair in range(options.pairs):
            if time.monotonic() - started > 54 * options.minutes:
                break
            for machine in rng.sample(["quiet", "busy"], 2):
                before, name = time.monotonic(), f"{machine}-{pair}"
                table = tables[pair, machine] = run(checkout, name, busy=machine == "busy")
                judged = table[table["verdict"] != ""]
                firm[machine] += int(judged["firm"].sum())
                verdicts[machine] += len(judged)
                end = load_end(name, root=checkout / "results" / "runs")
                waited_s = end.phases_s.get("waiting for a quiet machine", 0.0) if end else 0.0
                print(
                    f"{pair:>4}  {machine:8} {time.monotonic() - before:7.1f} {waited_s:6.1f} "
                    f"{judged['firm'].sum():>4} of {len(judged)}  {', '.join(winners(table).values()) or 'none'}",
                    flush=True,
                )
            found += [f"pair {pair}: {what}" for what in contradictions(tables[pair, "quiet"], tables[pair, "busy"])]
    every = [what for one, other in combinations(tables.values(), 2) for what in contradictions(one, other)]
    for machine, number in verdicts.items():
        print(f"{machine}: {firm[machine]} of {number} verdicts are firm")
    print(f"{len(found)} contradictions within pairs, {len(every)} between any two of {len(tables)} runs (target 0)")
    print(*found, *(f"{number} times: {what}" for what, number in Counter(every).most_common()), sep="\n")


if __name__ == "__main__":
    main()
