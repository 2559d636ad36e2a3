"""The layer at which different inputs become equal."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from diagnosis.probes.layers import ENOUGH, calls
from diagnosis.probes.model import attempted, mean_row_cosine, source
from diagnosis.signature.rows import row_hashes
from diagnosis.subject import Subject
from diagnosis.verdict import ALWAYS, Value

_REPEATED = 0.2


class Station(NamedTuple):
    """A place in a model, and what is there for each input, `[N, K]`."""

    name: str
    rows: torch.Tensor

    @property
    def alike(self) -> bool:
        """Whether the rows are always the same: in their direction, or as copies. The size of an id means nothing."""
        same = self.rows.is_floating_point() and mean_row_cosine(self.rows) >= ALWAYS
        return same or _repeated(self.rows) > _REPEATED


def equal_from(subject: Subject) -> dict[str, Value]:
    """The layer from which on the rows are always the same, with the mean cosine before and after it.

    Empty if the embeddings differ, if the inputs are the same already, or if there is no model to run.
    """
    given = source(subject)
    seen = attempted(lambda: calls(given.model, given.inputs)) if given else None
    if given is None or seen is None or not len(subject.x):
        return {}
    few = given.inputs[:ENOUGH]
    named = {f"{call.name} ({type(call.module).__name__})": call.output for call in seen if call.name}
    end = f"what follows {list(named)[-1]}" if named else "the function"
    outputs = {"the inputs": few} | named | {end: subject.x[:ENOUGH]}
    of_rows = {name: rows for name, rows in outputs.items() if rows.shape[:1] == few.shape[:1] and rows.numel()}
    return dict(_first_of_the_same([Station(name, rows.reshape(len(few), -1)) for name, rows in of_rows.items()]))


def _first_of_the_same(places: Sequence[Station]) -> Iterator[tuple[str, Value]]:
    same = [place.alike for place in places]
    if not same[-1] or all(same):
        return
    first = max(index for index, alike in enumerate(same) if not alike) + 1
    yield "inputs_become_equal_at", places[first].name
    for name, place in (("before", places[first - 1]), ("behind", places[first])):
        if place.rows.is_floating_point():
            yield f"mean_cosine_{name}_that_layer", mean_row_cosine(place.rows)


def _repeated(rows: torch.Tensor) -> float:
    return 1 - len(np.unique(row_hashes(rows))) / len(rows)
