"""All cases of the experiment; each can be made again from its name and seed."""

import itertools
import zlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch

from diagnosis.subject import Subject
from diagnosis.validity.planted import PLANTS
from diagnosis.validity.planted.foreign import FOREIGN
from diagnosis.validity.planted.healthy import HEALTHY
from diagnosis.validity.planted.plant import SIZES, Plant, Size
from diagnosis.validity.planted.together import TOGETHER

GROUPS: Mapping[str, tuple[Plant, ...]] = MappingProxyType(
    {"planted": PLANTS, "together": TOGETHER, "healthy": HEALTHY, "foreign": FOREIGN}
)
EVERY = {"planted": 1, "together": 4, "healthy": 4, "foreign": 4}
"""Every how many seeds a group is used: planted causes have a rate each, the other groups share one."""


class PlantedCase(NamedTuple):
    """The recipe of one subject. `variant` numbers the plants of one name; `dtype` is torch's name, such as float32."""

    group: str
    name: str
    variant: int
    rows: int
    columns: int
    dtype: str
    seed: int


def all_cases(seeds: int) -> Iterator[PlantedCase]:
    """Every plant in each size and dtype, seed by seed; a group uses one in `EVERY` of the seeds."""
    for seed, (group, plants) in itertools.product(range(seeds), GROUPS.items()):
        if seed % EVERY[group]:
            continue
        for place, plant in enumerate(plants):
            variant = sum(other.name == plant.name for other in plants[:place])
            for size, dtype in itertools.product(SIZES, plant.dtypes):
                yield PlantedCase(
                    group, plant.name, variant, size.rows, size.columns, str(dtype).removeprefix("torch."), seed
                )


def subject(case: PlantedCase) -> Subject:
    """The subject of a case, the same on every call."""
    plant = [plant for plant in GROUPS[case.group] if plant.name == case.name][case.variant]
    number = zlib.crc32(repr(tuple(case)).encode())
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(number)  # layers draw their weights from the global generator
        size, generator = Size(case.rows, case.columns), torch.Generator().manual_seed(number)
        return plant.make(size, getattr(torch, case.dtype), generator)
