"""The user's similarity: on the subject's pairs, and on random rows for its reach and its order."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from scipy import stats

from diagnosis.isolation import unchanged, users_code
from diagnosis.plain import plain
from diagnosis.signature.rows import generator, rows, sample, unit
from diagnosis.subject import DiagnosisError, Similarity, Subject

_PROBES = 64  # pairs
_TO_CHECK = {
    "loss": "call loss(similarities, labels) yourself, both [N]: it must return one number with a gradient",
    "similarity": "call similarity(x, y) yourself on two of your tensors: it must return [N] numbers",
}


class Guarded:
    """The user's similarity or loss, on copies; what it raises or returns amiss becomes a `DiagnosisError`.

    `wrote` is whether it has written to its arguments.
    """

    def __init__(self, function: Similarity, name: Literal["loss", "similarity"]) -> None:
        self.name, self.wrote = name, False
        self._function = function

    def __call__(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        copies = first.clone(), second.clone()
        with users_code(f"the {self.name}", _TO_CHECK[self.name]):
            output = self._function(*copies)
        self.wrote = self.wrote or not all(map(unchanged, (first, second), copies))
        self._check(output)
        return output

    def _check(self, output: object) -> None:
        if not isinstance(output, torch.Tensor):
            raise DiagnosisError(
                f"the {self.name} returns a {type(output).__name__}, no tensor; {_TO_CHECK[self.name]}"
            )
        plain(output, f"the answer of the {self.name}", "answer")
        if output.dtype == torch.bool or (self.name == "loss" and not output.is_floating_point()):
            raise DiagnosisError(f"the {self.name} returns {output.dtype}; {_TO_CHECK[self.name]}")


def guarded(function: Similarity, name: Literal["loss", "similarity"]) -> Guarded:
    """The function, guarded once."""
    return function if isinstance(function, Guarded) else Guarded(function, name)


@dataclass(frozen=True)
class Reach:
    """The mean similarity of rows with their opposites, and with themselves."""

    opposite: float = -1.0
    itself: float = 1.0

    def between(self, start: float, end: float) -> torch.Tensor:
        """11 similarities between two shares of the way from `opposite` to `itself`."""
        return self.opposite + (self.itself - self.opposite) * torch.linspace(start, end, 11)


def reach(subject: Subject) -> Reach:
    """The reach of the subject's similarity, on random rows in the shape and dtype of `x`.

    Raises:
        DiagnosisError: the similarity raises, or returns no numbers.
    """
    if subject.similarity is None:
        return Reach()
    ours = torch.randn(subject.x.shape, generator=generator()).to(subject.x)
    ask = guarded(subject.similarity, "similarity")
    with torch.no_grad():
        return Reach(*(float(ask(ours, other).double().mean()) for other in (-ours, ours.clone())))


def follows_cosine(subject: Subject) -> float:
    """Spearman's correlation of the subject's similarity with the cosine, over random pairs at cosines from -1 to 1.

    0 if all similarities are equal.

    Raises:
        DiagnosisError: the similarity raises, or returns no numbers.
    """
    ask, items, drawn = similarity(subject), len(subject.x), generator()
    cosines = torch.linspace(-1, 1, -(-_PROBES // items) * items)
    cosines = cosines[torch.randperm(len(cosines), generator=drawn)]  # a running maximum would follow ascending ones
    with torch.no_grad():
        parts = [ask(*_pairs_at(part, subject, drawn)).reshape(items, -1) for part in cosines.split(items)]
    found = torch.cat(parts).double().mean(1).cpu()
    if bool((found == found[0]).all()):
        return 0.0
    return float(stats.spearmanr(found.numpy(), cosines.numpy()).statistic)


def _pairs_at(cosines: torch.Tensor, subject: Subject, drawn: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Random rows of one length in the shape and dtype of `x`, and partners with a given cosine for each item."""
    dim, length = subject.dim, subject.x.shape[subject.dim] ** 0.5
    x, other = (length * F.normalize(torch.randn(subject.x.shape, generator=drawn), dim=dim) for _ in range(2))
    across = length * F.normalize(other - x * F.cosine_similarity(x, other, dim=dim).unsqueeze(dim), dim=dim)
    c = cosines.reshape(-1, *[1] * (x.ndim - 1))
    return x.to(subject.x), (c * x + (1 - c.square()).sqrt() * across).to(subject.x)


def check(subject: Subject) -> None:
    """Call the similarity and the loss once on the subject's own pairs, or on neighbours where there are none.

    Raises:
        DiagnosisError: one of them raises, or returns something else than it should.
    """
    if subject.y is None:
        if subject.similarity is not None:
            few = sample(subject, _PROBES)
            found = guarded(subject.similarity, "similarity")(few.x, _neighbours(few))
            _one_a_pair(found, len(few.x), len(rows(few.x, few.dim)))
        return
    if subject.similarity is None:
        similarities = F.cosine_similarity(subject.x, subject.y, dim=subject.dim).clamp(-1, 1)  # rounding exceeds 1
    else:
        similarities = guarded(subject.similarity, "similarity")(subject.x, subject.y)
        _one_a_pair(similarities, len(subject.x), len(rows(subject.x, subject.dim)))
    fine = similarities.isfinite()
    if subject.loss is not None and subject.labels is not None and fine.shape == subject.labels.shape and fine.any():
        guarded(subject.loss, "loss")(similarities[fine], subject.labels[fine])


def _one_a_pair(output: torch.Tensor, items: int, pairs: int) -> None:
    if output.numel() not in (items, pairs):
        raise DiagnosisError(
            f"the similarity returns a tensor {tuple(output.shape)} for {pairs} pairs; known: one number a pair, [N]; "
            "of all pairs at once take the diagonal"
        )


@dataclass(frozen=True, eq=False)
class Similarities:
    """The similarities of pairs, or of each row with the next one, `[M]` each, float64.

    Attributes:
        given: the user's similarity, computed in the user's dtype.
        sound: the same for the unit vectors, which can't overflow; NaN if a row has no direction.
        exact: the cosines in float64.
        width: its range from opposite to equal vectors; 2 for a cosine.
    """

    given: torch.Tensor
    sound: torch.Tensor
    exact: torch.Tensor
    width: float

    @property
    def lost(self) -> torch.Tensor:
        """Which ones are not finite, or off by a twentieth of the width from the similarity at norm 1."""
        off = (self.given - self.sound).abs() > 0.05 * max(self.width, 1)
        return off | ~self.given.isfinite() | ~self.sound.isfinite()


def similarities(subject: Subject) -> Similarities:
    """The similarities of the pairs; without `y`, each row is paired with the next one."""
    x, dim = subject.x.detach(), subject.dim
    y = subject.y.detach() if subject.y is not None else _neighbours(subject)
    ask = similarity(subject)
    wide_x, wide_y = unit(x, dim), unit(y, dim)
    sound_x, sound_y = wide_x.to(x.dtype), wide_y.to(x.dtype)
    return Similarities(
        given=ask(x, y).detach().double().flatten(),
        sound=ask(sound_x, sound_y).detach().double().flatten(),
        exact=(rows(wide_x, dim) * rows(wide_y, dim)).sum(1),
        width=float((ask(sound_x, sound_x) - ask(sound_x, -sound_x)).detach().double().nanmean()),
    )


def _neighbours(subject: Subject) -> torch.Tensor:
    """The row before each row."""
    return subject.x.detach().roll(1, dims=0 if subject.dim % subject.x.ndim else -1)


def similarity(subject: Subject) -> Similarity:
    """The user's similarity, or the built-in cosine over the subject's dim."""
    return subject.similarity or partial(F.cosine_similarity, dim=subject.dim)
