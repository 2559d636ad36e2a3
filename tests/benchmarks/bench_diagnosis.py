"""Time and memory of the diagnosis of a large file, and errors of its sampled figures.

Makes a float32 `.npy` of that size in a temporary folder and diagnoses it in a separate process. Prints wall seconds
and peak resident memory with their targets; pages of the mapped file count as resident. Then compares each sampled
figure with that of all rows. Means and standard deviations of cosines follow exactly from sums over rows; the other
figures use each row with the next `NEXT` rows.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from command import Command  # noqa: E402

TARGET_S, TARGET_BYTES = 60, 6 * 2**30
CHUNK = 1 << 14
NEXT = 8


def main() -> None:
    """Make the file, diagnose it, print what it took and what it got right."""
    parser = Command(
        "python tests/benchmarks/bench_diagnosis.py",
        __doc__,
        {"": "a million rows", "--rows 10000 --columns 64": "a first look"},
    )
    parser.add_argument("--rows", type=int, default=1_000_000, metavar="N", help="rows of the file (default: 1000000)")
    parser.add_argument("--columns", type=int, default=768, metavar="D", help="columns of the file (default: 768)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder, "embeddings.npy"), options.rows, options.columns)
        start = time.perf_counter()
        command = [sys.executable, "-m", "diagnosis", str(path), "--json"]
        ended = subprocess.run(command, check=False, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        wall_s = time.perf_counter() - start
        scale = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes on macOS, in KiB on Linux
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = json.loads(ended.stdout)
        print(f"{found['verdict']}, {[cause['name'] for cause in found['causes']]}, exit status {ended.returncode}")
        print(f"{wall_s:.1f} s wall, target {TARGET_S} s; {used.ru_utime + used.ru_stime:.1f} s of CPU")
        print(f"{used.ru_maxrss * scale / 2**30:.2f} GiB peak, target {TARGET_BYTES / 2**30:.0f} GiB")
        compare(found["signature"], full(np.load(path, mmap_mode="r")))


def make(path: Path, rows: int, columns: int) -> Path:
    """Noise with a falling spectrum around a mean ten times as long: all embeddings point one way."""
    generator = torch.Generator().manual_seed(0)
    spectrum = torch.arange(1, columns + 1) ** -0.5
    mean = torch.randn(columns, generator=generator)
    mean *= 10 * spectrum.norm() / mean.norm()
    file = np.lib.format.open_memmap(path, "w+", np.float32, (rows, columns))
    for first in range(0, rows, CHUNK):
        block = file[first : first + CHUNK]
        block[:] = mean + spectrum * torch.randn(block.shape, generator=generator)
    file.flush()
    return path


def full(file: np.ndarray) -> dict[str, float]:
    """The sampled figures, computed from all rows."""
    mean = sum(chunk.sum(0) for chunk in chunks(file)) / len(file)
    (_, std, some), (centred_mean, centred_std, centred) = (cosines(file, offset) for offset in (0 * mean, mean))
    low, high = np.quantile(some, [0.05, 0.95])
    return {
        "std_cosine": std,
        "low_cosine": float(low),
        "high_cosine": float(high),
        "centred_mean_cosine": centred_mean,
        "centred_std_cosine": centred_std,
        "centred_size": float(np.abs(centred).mean()),
    }


def cosines(file: np.ndarray, offset: torch.Tensor) -> tuple[float, float, np.ndarray]:
    """Cosines of rows less `offset`: mean and standard deviation over all pairs; and each row with `NEXT` others."""
    n, columns = file.shape
    first, second = torch.zeros(columns).double(), torch.zeros(columns, columns).double()
    some = []
    for chunk in chunks(file):
        units = torch.nn.functional.normalize(chunk - offset)
        first += units.sum(0)
        second += units.T @ units
        some += [(units * units.roll(shift, 0)).sum(1) for shift in range(1, NEXT + 1)]
    pairs = n * (n - 1)
    average = float(first.square().sum() - n) / pairs
    variance = float(second.square().sum() - n) / pairs - average**2
    return average, variance**0.5, torch.cat(some).numpy()


def chunks(file: np.ndarray) -> Iterator[torch.Tensor]:
    """The rows in float64, a few at a time."""
    for first in range(0, len(file), CHUNK):
        yield torch.from_numpy(file[first : first + CHUNK].astype(np.float64))


def compare(signature: dict[str, float], truth: dict[str, float]) -> None:
    """Print each estimate, its interval and the figure of all rows; 1 in 20 may be outside."""
    for name, value in truth.items():
        ends = signature.get(f"{name}_from"), signature.get(f"{name}_to")
        if None in ends:
            print(f"{name}: {signature[name]:.6f}, not estimated; of all rows {value:.6f}")
            continue
        within = "within" if ends[0] <= value <= ends[1] else "OUTSIDE"
        print(f"{name}: {signature[name]:.6f}, {ends[0]:.6f} to {ends[1]:.6f}; of all rows {value:.6f}, {within}")


if __name__ == "__main__":
    main()
