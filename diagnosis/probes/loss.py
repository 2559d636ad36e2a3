"""The loss on similarities of our choice: how it pushes positive and negative pairs, and how low it can get."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from diagnosis.probes.similarity import Reach, guarded
from diagnosis.subject import DiagnosisError, Loss

CONVENTIONS = {"0 and 1": (0, 1), "-1 and 1": (-1, 1), "1 and 0": (1, 0)}  # labels of negative and of positive pairs


@dataclass(frozen=True)
class Push:
    """Gradients of the loss by the similarity, summed: of similar negative pairs, and of dissimilar positive ones."""

    negative: float
    positive: float

    @property
    def right(self) -> bool:
        """Whether descent makes negative pairs less similar, and positive ones more."""
        return self.negative > 0 > self.positive


def of_cosines(loss: Callable[..., torch.Tensor]) -> Loss:
    """A loss of `(x, y, labels)`, such as `nn.CosineEmbeddingLoss`, as a loss of cosines; other losses as they are.

    It gets vectors in the plane that have these cosines.
    """
    if _arguments_needed(loss.forward if isinstance(loss, nn.Module) else loss) != 3:
        return loss

    def of_planar(cosines: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        inside = cosines.clamp(-1 + 1e-6, 1 - 1e-6)  # the sine has no gradient at the ends
        y = torch.stack([inside, (1 - inside.square()).sqrt()], 1)
        return loss(y.new_tensor([1, 0]).repeat(len(y), 1), y, labels)

    return of_planar


def push(loss: Loss, within: Reach, labels: torch.Tensor, negative: float, positive: float) -> Push | None:
    """The push of the loss on pairs with these two labels, in the dtype of `labels`, within a similarity's reach.

    One batch holds both kinds, since some losses compare pairs with each other. None if the loss refuses them: some
    accept only their own labels, or no similarity below 0.
    """
    near, far = within.between(0.75, 0.98), within.between(0.25, 0.75)
    both = torch.cat([labels.new_full(near.shape, negative), labels.new_full(far.shape, positive)])
    try:
        of_negative, of_positive = _gradient(loss, torch.cat([near, far]), both).split(len(near))
    except DiagnosisError:
        return None
    return Push(float(of_negative.sum()), float(of_positive.sum()))


def pulls_only(loss: Loss, within: Reach, labels: torch.Tensor) -> bool:
    """Whether the loss pulls positive pairs together but pushes no pairs apart, at any similarity and label."""
    everywhere = torch.cat([within.between(0, 0.98)] * 2)
    half = len(everywhere) // 2
    pulled = False
    for negative, positive in CONVENTIONS.values():
        both = torch.cat([labels.new_full((half,), value) for value in (negative, positive)])
        try:
            of_negative, of_positive = _gradient(loss, everywhere, both).split(half)
        except DiagnosisError:  # labels that it refuses
            continue
        if bool((of_negative > 0).any()):
            return False
        pulled |= float(of_positive.sum()) < 0
    return pulled


def least_loss(loss: Loss, similarities: torch.Tensor, labels: torch.Tensor) -> float | None:
    """The least mean loss of pairs with these labels, if each pair could choose among these similarities.

    None if the loss refuses some of them.
    """
    values, counts = labels.cpu().unique(return_counts=True)
    near = similarities.to(labels.device)
    try:
        with torch.no_grad():
            losses = [[_call(loss, s[None], labels.new_full((1,), v)) for s in near] for v in values.tolist()]
    except DiagnosisError:
        return None
    return float((torch.tensor(losses).amin(1) * counts).sum() / counts.sum())


def _arguments_needed(function: Callable[..., object]) -> int | None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # written in C
        return None
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def _gradient(loss: Loss, similarities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    s = similarities.to(labels.device).requires_grad_()
    with torch.enable_grad():
        value = _call(loss, s, labels)
        (gradient,) = torch.autograd.grad(value, s, allow_unused=True) if value.requires_grad else (None,)
    return torch.zeros_like(s) if gradient is None else gradient


def _call(loss: Loss, similarities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return guarded(loss, "loss")(similarities, labels).mean()
