"""Norms of long rows: their squares are summed in one fp32 number, or in one per vector lane."""

import torch

from suites.known_bugs.bug import COSINE, NORM, Function, Sighting, bug, number, rows


@bug("pytorch/pytorch#68326", NORM, "the norm of 2^20 equal numbers is off in the fourth digit")
def norm_of_equals(norm: Function) -> Sighting:
    return number(norm(torch.full((1 << 20,), 0.1)).item(), 0.1 * 2**10, 1e-6)


@bug("pytorch/pytorch#151761", NORM, "the norm of 2^20 normal numbers is off in the fifth digit")
def norm_of_normals(norm: Function) -> Sighting:
    x = rows(1 << 20)
    return number(norm(x).item(), x.double().square().sum().sqrt().item(), 1e-6)


@bug("pytorch/pytorch#65815", NORM, "the norm of 2^25 ones is 4096 (now in columns only)")
def norm_of_ones(norm: Function) -> Sighting:
    columns = torch.ones(1).expand(1 << 25, 2)  # they take no memory
    return number(norm(columns, dim=0)[0].item(), 2**12.5, 1e-6)


@bug("pytorch/pytorch#15602", NORM, "the norm of 40,000 ones is 266 with several threads")
def norm_in_threads(norm: Function) -> Sighting:
    return number(norm(torch.ones(40_000)).item(), 200.0, 1e-6)


@bug("pytorch/pytorch#169237", COSINE, "the similarity of a 256x56x56 map to itself is not 1: its norm is off")
def map_with_itself(similarity: Function) -> Sighting:
    x = rows(1, 256 * 56 * 56).relu() + 0.1
    return number(similarity(x, x).item(), 1.0, 1e-6)
