"""What the user's own similarity answers, beside what it says of the same directions without rounding or overflow."""

from dataclasses import dataclass
from functools import partial

import torch
from torch.nn.functional import cosine_similarity

from diagnosis.signature.rows import rows, unit
from diagnosis.subject import Similarity, Subject


@dataclass(frozen=True, eq=False)
class Answers:
    """The similarities of pairs, or of each row with another one, `[M]` each, float64.

    Attributes:
        given: the user's similarity in the user's dtype.
        sound: the same of the unit vectors, in which nothing can overflow; NaN where a row has no direction.
        exact: the cosines in float64.
        width: from what it answers to opposite vectors up to equal ones; 2 for a cosine.
    """

    given: torch.Tensor
    sound: torch.Tensor
    exact: torch.Tensor
    width: float

    @property
    def lost(self) -> torch.Tensor:
        """Which are no number, or not what the same directions give at norm 1: off by a twentieth of the width."""
        off = (self.given - self.sound).abs() > 0.05 * max(self.width, 1)
        return off | ~self.given.isfinite() | ~self.sound.isfinite()


def answers(subject: Subject) -> Answers:
    """Ask the similarity, or the built-in cosine, about the pairs; without `y` a row has the next one for a partner."""
    x, dim = subject.x.detach(), subject.dim
    y = subject.y.detach() if subject.y is not None else x.roll(1, dims=0 if dim % x.ndim else -1)
    ask = similarity(subject)
    wide_x, wide_y = unit(x, dim), unit(y, dim)
    sound_x, sound_y = wide_x.to(x.dtype), wide_y.to(x.dtype)
    return Answers(
        given=ask(x, y).detach().double().flatten(),
        sound=ask(sound_x, sound_y).detach().double().flatten(),
        exact=(rows(wide_x, dim) * rows(wide_y, dim)).sum(1),
        width=float((ask(sound_x, sound_x) - ask(sound_x, -sound_x)).detach().double().nanmean()),
    )


def similarity(subject: Subject) -> Similarity:
    """The user's own, or the built-in cosine over the subject's dim."""
    return subject.similarity or partial(cosine_similarity, dim=subject.dim)
