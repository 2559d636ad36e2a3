"""A loss and a similarity are called on numbers of ours: which way they push, and how far they reach."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from scipy import stats
from torch import nn

from diagnosis.answers import similarity
from diagnosis.restoring import users_code
from diagnosis.subject import DiagnosisError, Loss, Subject

_PROBES = 64  # pairs
CONVENTIONS = {"0 and 1": (0, 1), "-1 and 1": (-1, 1), "1 and 0": (1, 0)}  # labels of unlike and of alike pairs
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
    ask = guarded(subject.similarity, "similarity")
    with torch.no_grad():
        return Reach(*(float(ask(rows, other).double().mean()) for other in (-rows, rows.clone())))


def follows_cosine(subject: Subject) -> float:
    """Spearman's correlation of the subject's similarity with the cosine, over random pairs at cosines from -1 to 1.

    0 where it answers one number to all of them.

    Raises:
        DiagnosisError: the similarity raises, or answers no numbers.
    """
    ask, items, generator = similarity(subject), len(subject.x), torch.Generator().manual_seed(0)
    cosines = torch.linspace(-1, 1, -(-_PROBES // items) * items)
    cosines = cosines[torch.randperm(len(cosines), generator=generator)]  # a running maximum follows ascending ones
    with torch.no_grad():
        parts = [ask(*_pairs_at(part, subject, generator)).reshape(items, -1) for part in cosines.split(items)]
    answers = torch.cat(parts).double().mean(1).cpu()
    if bool((answers == answers[0]).all()):
        return 0.0
    return float(stats.spearmanr(answers.numpy(), cosines.numpy()).statistic)


def _pairs_at(cosines: torch.Tensor, subject: Subject, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Random rows of one length, of the shape and dtype of the subject's, and others at one cosine an item."""
    dim, length = subject.dim, subject.x.shape[subject.dim] ** 0.5
    x, other = (length * F.normalize(torch.randn(subject.x.shape, generator=generator), dim=dim) for _ in range(2))
    across = length * F.normalize(other - x * F.cosine_similarity(x, other, dim=dim).unsqueeze(dim), dim=dim)
    c = cosines.reshape(-1, *[1] * (x.ndim - 1))
    return x.to(subject.x), (c * x + (1 - c.square()).sqrt() * across).to(subject.x)


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


def pulls_only(loss: Loss, within: Reach, labels: torch.Tensor) -> bool:
    """Whether the loss pulls alike pairs together, and pushes no others apart, however similar and labelled they are.

    Both kinds are in one batch, since some losses compare them with each other.
    """
    everywhere = torch.cat([within.between(0, 0.98)] * 2)
    half = len(everywhere) // 2
    pulled = False
    for unlike, alike in CONVENTIONS.values():
        both = torch.cat([labels.new_full((half,), value) for value in (unlike, alike)])
        try:
            of_unlike, of_alike = _gradient(loss, everywhere, both).split(half)
        except DiagnosisError:  # labels that it refuses
            continue
        if bool((of_unlike > 0).any()):
            return False
        pulled |= float(of_alike.sum()) < 0
    return pulled


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
    return float(_gradient(loss, similarities, labels.new_full(similarities.shape, label)).sum())


def _gradient(loss: Loss, similarities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    s = similarities.to(labels.device).requires_grad_()
    with torch.enable_grad():
        answer = _call(loss, s, labels)
        (gradient,) = torch.autograd.grad(answer, s, allow_unused=True) if answer.requires_grad else (None,)
    return torch.zeros_like(s) if gradient is None else gradient


def _call(loss: Loss, similarities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return guarded(loss, "loss")(similarities, labels).mean()
