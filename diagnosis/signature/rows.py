"""The rows of a subject, that is the vectors that its cosine compares: their directions, and samples of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from diagnosis.subject import Subject

Hashes = np.ndarray[tuple[int], np.dtype[np.uint64]]
SEEN = 2048  # items in the sample for suspects and pages
CHUNK = 2048  # rows: 12 MiB at 768 columns of float64, which stays in cache


def generator() -> torch.Generator:
    """The same random numbers each time, by a seed that no data set is likely to use."""
    return torch.Generator().manual_seed(0x9E3779B97F4A7C15)


def rows(tensor: torch.Tensor, dim: int) -> torch.Tensor:
    """The vectors along `dim`, as `[M, K]`: a view if the memory allows it."""
    last = tensor.detach().movedim(dim, -1)
    return last.reshape(-1, last.shape[-1])


def sides(subject: Subject) -> tuple[torch.Tensor, ...]:
    """The rows of `x`, and of `y` if there are pairs."""
    return tuple(rows(side, subject.dim) for side in (subject.x, subject.y) if side is not None)


def sample_rows(tables: Sequence[torch.Tensor], most: int) -> tuple[torch.Tensor, ...]:
    """All rows of the tables, or a sample of `most` rows in total, drawn with a fixed seed."""
    count = sum(len(table) for table in tables)
    if count <= most:
        return tuple(table.cpu() for table in tables)
    drawn = [torch.randperm(len(table), generator=generator()) for table in tables]
    return tuple(
        table[order[: most * len(table) // count].sort().values].cpu()
        for table, order in zip(tables, drawn, strict=True)
    )


def chunks(table: torch.Tensor) -> Iterator[torch.Tensor]:
    """`[M, K]` in parts that fit into the cache, so that a mapped file never fills the memory."""
    return iter(table.split(CHUNK))


def usable(table: torch.Tensor) -> torch.Tensor:
    """Which rows have a direction, `[M]` of bool: without NaN or infinity, and not all 0."""
    peak = table.abs().amax(1)
    return peak.isfinite() & (peak > 0)


def unit(table: torch.Tensor, dim: int = 1) -> torch.Tensor:
    """Unit vectors in float64; divided by the largest entry first, so that no square overflows or underflows."""
    wide = table.double()
    wide = wide / wide.abs().amax(dim, keepdim=True)
    norms: torch.Tensor = torch.linalg.vector_norm(wide, dim=dim, keepdim=True)
    return wide / norms


def directions(table: torch.Tensor) -> torch.Tensor:
    """The unit vectors of the usable rows, float64."""
    return unit(table[usable(table)])


def about(table: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    """Rows minus their mean, float64; 0 where only the rounding of the mean would be left."""
    wide = table.double()
    centred = wide - mean
    rounding = centred.abs().amax(1, keepdim=True) <= 1e-12 * wide.abs().amax(1, keepdim=True)
    return centred.masked_fill(rounding, 0)


def row_hashes(table: torch.Tensor) -> Hashes:
    """A 64-bit hash of each row's bytes: it separates rows without sorting.

    pandas mixes each word; a sum under random odd keys makes the row's (multilinear hashing, Carter and Wegman 1979).
    """
    keys = np.random.default_rng(0).integers(1, 2**63, table.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    hashes = np.empty(len(table), np.uint64)  # small arrays kept between large ones would hold all of the heap
    for start in range(0, len(table), CHUNK):
        hashes[start : start + CHUNK] = _hashes(table[start : start + CHUNK], keys)
    return hashes


def _hashes(chunk: torch.Tensor, keys: Hashes) -> Hashes:
    bits = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}[chunk.element_size()]
    words = chunk.cpu().contiguous().flatten().view(torch.uint8).numpy().view(bits).astype(np.uint64)
    mixed = pd.util.hash_array(words, categorize=False).reshape(chunk.shape)
    hashes: Hashes = (mixed * keys).sum(axis=1, dtype=np.uint64)
    return hashes


def sample(subject: Subject, most: int) -> Subject:
    """At most `most` items of the subject, drawn with a fixed seed, in order; one shared tensor stays one."""
    items = subject.x.shape[0]
    if items <= most or subject.dim % subject.x.ndim == 0:
        return subject
    drawn = torch.randperm(items, generator=generator())[:most]
    return take(subject, drawn.sort().values)


def take(subject: Subject, items: torch.Tensor) -> Subject:
    """The subject with the given items only, in the order given."""
    columns = ("x", "y", "labels", "inputs", "other_inputs")
    kept = {name: value[items] for name in columns if (value := getattr(subject, name)) is not None}
    if subject.y is not None and same_memory(subject.x, subject.y):
        kept["y"] = kept["x"] if subject.y is subject.x else kept["x"].detach()
    return replace(subject, **kept)


def equal_share(one: torch.Tensor, other: torch.Tensor) -> float:
    """Share of items that are equal bit by bit; 0.0 if the shapes differ."""
    return float((one == other).flatten(1).all(1).double().mean()) if one.shape == other.shape else 0.0


def same_memory(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors are the same entries in memory."""
    return one.data_ptr() == other.data_ptr() and (one.shape, one.stride()) == (other.shape, other.stride())
