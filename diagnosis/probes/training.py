"""A copy of the model is trained from new weights for some steps, to test the rate and the pairs."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from diagnosis.isolation import seeded, users_code
from diagnosis.probes.model import rerun, source
from diagnosis.subject import DiagnosisError, Loss, Similarity, Subject

STEPS = 50
PAIRS = 64  # a step


class Lesson(NamedTuple):
    """The training data of a model: pairs with labels, and a loss."""

    inputs: torch.Tensor
    other_inputs: torch.Tensor
    labels: torch.Tensor
    loss: Loss


def lesson(subject: Subject) -> Lesson | None:
    """The training data of the subject's model; None if a part is not known."""
    found = source(subject)
    if found is None or found.other_inputs is None or subject.labels is None or subject.loss is None:
        return None
    if not any(weight.requires_grad for weight in found.model.parameters()):
        return None
    return Lesson(found.inputs, found.other_inputs, subject.labels, subject.loss)


def reinitialised(model: nn.Module, seed: int = 0) -> None:
    """Draw new weights by `reset_parameters` of every module that has it; equal seeds give equal weights."""
    with seeded(seed):
        for module in model.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()


def retrained(subject: Subject, rate: float, seed: int = 0) -> Subject:
    """The subject with new weights, trained on its pairs for `STEPS` steps of Adam at this rate.

    Raises:
        DiagnosisError: there is nothing to train on, or the model or the loss raises.
    """
    given, similarity = lesson(subject), subject.similarity or F.cosine_similarity
    if given is None:
        raise DiagnosisError("there are no labelled pairs to train on; pass model, loader or inputs, labels and loss")

    def train(model: nn.Module) -> None:
        mode = model.training
        reinitialised(model, seed)
        with seeded(seed), torch.enable_grad(), users_code("a step of training", "run one of your own loop"):
            _train(model.train(), given, similarity, rate)
        model.train(mode)

    return rerun(subject, train)


def _train(model: nn.Module, given: Lesson, similarity: Similarity, rate: float) -> None:
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adam(weights, lr=rate)
    for _ in range(STEPS):
        chosen = torch.randint(len(given.labels), (PAIRS,))
        x, y = (model(side[chosen].to(weights[0].device)) for side in (given.inputs, given.other_inputs))
        optimizer.zero_grad()
        # A loss may have weights of its own, which must not change.
        given.loss(similarity(x, y), given.labels[chosen].to(x.device)).mean().backward(inputs=weights)
        optimizer.step()
