"""Shapes that are broadcast late or by mistake, integers that overflow, inputs that are overwritten."""

import torch

from suites.known_bugs.bug import COSINE, LOSS, Function, Sighting, bug, number, rows


@bug("pytorch/pytorch#109333", COSINE, "the similarity of ones [2, 3] to ones [1, 1] is 1.73")
def norm_before_broadcast(similarity: Function) -> Sighting:
    return number(similarity(torch.ones(2, 3), torch.ones(1, 1))[0].item(), 1.0, 1e-6)


@bug("pytorch/pytorch#61454", COSINE, "the similarity of int8 rows to fp32 rows is 3.5e12")
def squares_in_int8(similarity: Function) -> Sighting:
    x = torch.full((1, 4), 12)
    return number(similarity(x.to(torch.int8), x.float()).item(), 1.0, 1e-6)


@bug("pytorch/pytorch#53030", LOSS, "labels [N, 1] are broadcast and give another loss")
def labels_broadcast(loss: Function) -> Sighting:
    x, y, labels = rows(4, 8), rows(4, 8, seed=1), torch.tensor([1.0, -1.0, 1.0, -1.0])
    try:
        seen = loss(x, y, labels[:, None]).item()
    except RuntimeError:
        return Sighting(False, "an error", "an error")
    return number(seen, loss(x, y, labels).item(), 1e-6)


@bug(
    "Lightning-AI/torchmetrics#1278",
    "torchmetrics.functional:pairwise_cosine_similarity",
    "the inputs are normalised in place",
)
def inputs_overwritten(similarity: Function) -> Sighting:
    x, y = rows(4, 8), rows(4, 8, seed=1)
    before = x.clone(), y.clone()
    similarity(x, y)
    changed = not (torch.equal(x, before[0]) and torch.equal(y, before[1]))
    return Sighting(changed, "changed" if changed else "unchanged", "unchanged")
