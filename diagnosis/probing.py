"""A loss and a similarity are called on numbers of ours: which way they push, and how far they reach."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from diagnosis.restoring import users_code
from diagnosis.subject import DiagnosisError, Loss, Subject

Function = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
_TO_CHECK = {
    "loss": "call loss(similarities, labels) yourself, both [N]: it must answer one number with a gradient",
    "similarity": "call similarity(x, y) yourself on two of your tensors: it must answer [N] numbers",
}


def guarded(function: Function, name: Literal["loss", "similarity"]) -> Function:
    """The user's function, whose errors become a `DiagnosisError` that says whose it is."""

    def ask(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        with users_code(f"the {name}", _TO_CHECK[name]):
            return function(first, second)

    return ask


@dataclass(frozen=True)
class Reach:
    """What a similarity answers, in the mean, to rows and their opposites, and to rows and themselves."""

    opposite: float = -1.0
    itself: float = 1.0

    def between(self, start: float, end: float) -> torch.Tensor:
        """Some similarities from one share of the way up to another one."""
        return self.opposite + (self.itself - self.opposite) * torch.linspace(start, end, 11)


def reach(subject: Subject) -> Reach:
    """How far the subject's similarity reaches, on random rows of the shape and dtype of its own.

    Raises:
        DiagnosisError: the similarity raises, or answers no numbers.
    """
    if subject.similarity is None:
        return Reach()
    rows = torch.randn(subject.x.shape, generator=torch.Generator().manual_seed(0)).to(subject.x)
    similarity = guarded(subject.similarity, "similarity")
    with torch.no_grad():
        return Reach(*(float(similarity(rows, other).double().mean()) for other in (-rows, rows.clone())))


@dataclass(frozen=True)
class Push:
    """Mean gradient of the loss by the similarity: of unlike pairs that are near, and of alike ones that are not."""

    unlike: float
    alike: float

    @property
    def right(self) -> bool:
        """Whether descent makes unlike pairs less similar, and alike ones more."""
        return self.unlike > 0 > self.alike


def of_cosines(loss: Callable[..., torch.Tensor]) -> Loss:
    """A loss of pairs, `(x, y, labels)` such as `nn.CosineEmbeddingLoss`, as one of their cosines; others as they are.

    It is asked about vectors in the plane that have these cosines.
    """
    if _arguments_needed(loss.forward if isinstance(loss, nn.Module) else loss) != 3:
        return loss

    def of_planar(cosines: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        inside = cosines.clamp(-1 + 1e-6, 1 - 1e-6)  # the sine has no gradient at its ends
        y = torch.stack([inside, (1 - inside.square()).sqrt()], 1)
        return loss(y.new_tensor([1, 0]).expand_as(y), y, labels)

    return of_planar


def push(loss: Loss, within: Reach, labels: torch.Tensor, unlike: float, alike: float) -> Push | None:
    """What the loss does to pairs with these two labels, in the dtype of `labels`, within a similarity's reach.

    None where it refuses them: some take labels of their own only, and some no negative similarities.
    """
    try:
        return Push(
            _mean_gradient(loss, within.between(0.75, 0.98), labels, unlike),
            _mean_gradient(loss, within.between(0.25, 0.75), labels, alike),
        )
    except DiagnosisError:
        return None


def least_loss(loss: Loss, similarities: torch.Tensor, labels: torch.Tensor) -> float | None:
    """The least mean loss of pairs with these labels, if each could have whichever of these similarities it likes.

    None where the loss refuses some of them.
    """
    values, counts = labels.cpu().unique(return_counts=True)
    near = similarities.to(labels.device)
    try:
        with torch.no_grad():
            losses = [[_call(loss, s[None], labels.new_full((1,), v)) for s in near] for v in values.tolist()]
    except DiagnosisError:
        return None
    return float((torch.tensor(losses).amin(1) * counts).sum() / counts.sum())


def check(subject: Subject) -> None:
    """Ask the similarity and the loss once about the subject's own pairs.

    Raises:
        DiagnosisError: one of them raises.
    """
    if subject.y is None:
        return
    if subject.similarity is None:
        similarities = F.cosine_similarity(subject.x, subject.y, dim=subject.dim).clamp(-1, 1)  # it can round to more
    else:
        similarities = guarded(subject.similarity, "similarity")(subject.x, subject.y)
    fine = similarities.isfinite()
    if subject.loss is not None and subject.labels is not None and fine.shape == subject.labels.shape and fine.any():
        guarded(subject.loss, "loss")(similarities[fine], subject.labels[fine])


def _arguments_needed(function: Callable[..., object]) -> int | None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # written in C
        return None
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def _mean_gradient(loss: Loss, similarities: torch.Tensor, labels: torch.Tensor, label: float) -> float:
    s = similarities.to(labels.device).requires_grad_()
    with torch.enable_grad():
        answer = _call(loss, s, labels.new_full(s.shape, label))
        (gradient,) = torch.autograd.grad(answer, s, allow_unused=True) if answer.requires_grad else (None,)
    return 0.0 if gradient is None else float(gradient.sum())


def _call(loss: Loss, similarities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return guarded(loss, "loss")(similarities, labels).mean()
