"""The model on its inputs without their padding, and on padding alone."""

from collections import deque
from dataclasses import replace

import torch
from torch import nn

from diagnosis.isolation import private_copy
from diagnosis.probes.layers import ENOUGH
from diagnosis.probes.lengths import Spans, cropped_to, filled_from, real_spans
from diagnosis.probes.model import embed, mean_row_cosine, on_inputs, source
from diagnosis.signature.rows import take
from diagnosis.subject import DiagnosisError, Subject


def time_of(inputs: torch.Tensor) -> int:
    """The dim with the padding: 1 of `[N, L]` and of frames `[N, L, F]`, and 2 of channels `[N, C, T]`."""
    if inputs.ndim < 3 or not inputs.is_floating_point():
        return 1
    lengths = [float((real_spans(inputs.movedim(dim, 1)).lengths / inputs.shape[dim]).mean()) for dim in (1, 2)]
    return 1 + lengths.index(min(lengths))


def cropped(subject: Subject) -> Subject:
    """The subject with each row embedded at its own length, those of one length together; without the model.

    Raises:
        DiagnosisError: there is no model with inputs, or it takes one length only, or gives more for a longer row.
    """
    given = source(subject)
    if given is None:
        raise DiagnosisError("there is no model with inputs of each side to run again; pass model= and inputs=")
    run, time = private_copy(given.model), time_of(given.inputs)
    x = _embed_cropped(run, given.inputs, time).to(subject.x)
    y = None if given.other_inputs is None else _embed_cropped(run, given.other_inputs, time).to(subject.x)
    # The model and the inputs still have the padding: later probes must not run them again.
    return replace(subject, x=x, y=y, model=None)


def filled(subject: Subject) -> Subject:
    """The subject with each row repeated up to the full length, for a model that takes one length only."""

    def fill(inputs: torch.Tensor) -> torch.Tensor:
        turned = inputs.movedim(time, 1)
        return filled_from(real_spans(turned), turned).movedim(1, time)

    time = 1 if subject.inputs is None else time_of(subject.inputs)
    return on_inputs(subject, fill)


def read_at_tokens(subject: Subject) -> Subject:
    """Some items of a subject whose embedding is the state of the first or last place, read at a real place instead.

    Raises:
        DiagnosisError: the embeddings are not the state of one place in the output of a module.
    """
    few = take(subject, torch.arange(min(len(subject.x), ENOUGH)))
    given = source(few)
    if given is None:
        raise DiagnosisError("there is no model with inputs of each side to run again; pass model= and inputs=")
    sides = [side for side in (given.inputs, given.other_inputs) if side is not None]
    read = [_at_tokens(given.model, side) for side in sides]
    best = min(range(2), key=lambda end: sum(mean_row_cosine(side[end]) for side in read))
    x, *ys = (side[best].to(subject.x) for side in read)
    return replace(few, x=x, y=ys[0] if ys else None, model=None)


def _at_tokens(model: nn.Module, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The states of the first and of the last real place, `[N, D]` each."""
    run, kept = private_copy(model), deque[torch.Tensor](maxlen=3)  # it is one of the last states

    def keep(module: nn.Module, given: object, output: object) -> None:
        state = output[0] if isinstance(output, tuple) else output
        if isinstance(state, torch.Tensor) and state.ndim == 3:
            kept.append(state.clone())

    for module in run.modules():
        module.register_forward_hook(keep)
    answer, spans, items = embed(run, inputs), real_spans(inputs), torch.arange(len(inputs))
    for state in (turned for one in kept for turned in (one, one.transpose(0, 1))):
        if state.shape[:2] == inputs.shape[:2] and any(torch.equal(state[:, end], answer) for end in (0, -1)):
            return state[items, spans.start.cpu()], state[items, spans.end.cpu() - 1]
    raise DiagnosisError("the embeddings are not the state of one place of a module's output")


def equal_to_padding(subject: Subject) -> float:
    """Share of the padded rows whose embedding is that of a row of padding alone."""
    given = source(subject)
    if given is None:
        return 0.0
    time = time_of(given.inputs)
    turned = given.inputs.movedim(time, 1)
    spans = real_spans(turned)
    padded = (spans.lengths < turned.shape[1]).nonzero().flatten()
    if not len(padded):
        return 0.0
    first = int(padded[0])
    step = turned[first, 0 if spans.start[first] else -1]
    alone = step.expand(1, turned.shape[1], *step.shape).movedim(1, time).contiguous()
    answer = embed(private_copy(given.model), alone).to(subject.x).flatten(1).double()
    if answer.shape[1] != subject.x[0].numel():  # the embeddings were changed by a repair
        return 0.0
    off = (subject.x[padded.to(subject.x.device)].flatten(1).double() - answer).norm(dim=1)
    least = max(1e-3, 8 * torch.finfo(subject.x.dtype).eps)
    return float((off < least * answer.norm()).double().mean())


def _embed_cropped(model: nn.Module, inputs: torch.Tensor, time: int) -> torch.Tensor:
    turned = inputs.movedim(time, 1)
    spans = real_spans(turned)
    parts, order = [], []
    for length in spans.lengths.unique().tolist():
        rows = (spans.lengths == length).nonzero().flatten()
        short = cropped_to(Spans(spans.start[rows], spans.end[rows]), turned[rows])
        parts.append(embed(model, short.movedim(1, time)))
        order.append(rows)
    if len({part.shape[1:] for part in parts}) > 1:
        raise DiagnosisError("the model returns more for a longer row; pool over the places: [N, L, D] -> [N, D]")
    return torch.cat(parts)[torch.cat(order).argsort()]
