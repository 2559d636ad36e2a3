"""The model on its inputs without their padding, and on padding alone."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import nn

from diagnosis.isolation import private_copy
from diagnosis.probes.layers import ENOUGH
from diagnosis.probes.lengths import Spans, cropped_to, filled_from, real_spans
from diagnosis.probes.model import embed, mean_row_cosine, on_inputs, rerun, source
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
    """Some items of a subject, with the state of a real place in the first and last place of the last sequence.

    Raises:
        DiagnosisError: no module returns a sequence, `[N, L, D]` or `[L, N, D]` for inputs `[N, L]`.
    """
    few = take(subject, torch.arange(min(len(subject.x), ENOUGH)))
    if few.model is None or few.inputs is None:
        raise DiagnosisError("there is no model with inputs to run again; pass model= and inputs=")
    layer = _last_with_states(few.model, few.inputs)
    if layer is None:
        raise DiagnosisError("no module of the model returns a state for each place of its inputs")
    read = [rerun(few, partial(_ReadingAt, layer=layer, last=last)) for last in (False, True)]
    return replace(min(read, key=lambda one: mean_row_cosine(one.x)), model=None)


def _last_with_states(model: nn.Module, inputs: torch.Tensor) -> str | None:
    run, found = private_copy(model), list[str]()

    def note(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, given: object, output: object) -> None:
            if _states(output, inputs) is not None:
                found.append(name)

        return hook

    for name, module in run.named_modules():
        if name:
            module.register_forward_hook(note(name))
    embed(run, inputs)
    return found[-1] if found else None


def _states(output: object, inputs: torch.Tensor) -> torch.Tensor | None:
    """The states of an output as a view `[N, L, D]`; None if it has no state for each place of the inputs."""
    state = output[0] if isinstance(output, tuple) else output
    if not isinstance(state, torch.Tensor) or state.ndim != 3:
        return None
    both = (turned for turned in (state, state.transpose(0, 1)) if turned.shape[:2] == inputs.shape[:2])
    return next(both, None)


class _ReadingAt(nn.Module):
    """A model, in which a layer returns the state of the first or last real place for both ends of the sequence."""

    def __init__(self, model: nn.Module, layer: str, last: bool) -> None:
        super().__init__()
        self.model, self.layer, self.last = model, layer, last
        self.training = model.training

    def forward(self, inputs: torch.Tensor) -> Any:
        spans, items = real_spans(inputs), torch.arange(len(inputs), device=inputs.device)
        place = spans.end - 1 if self.last else spans.start

        def move(module: nn.Module, given: object, output: Any) -> Any:
            whole = (output[0] if isinstance(output, tuple) else output).clone()
            states = _states(whole, inputs)
            if states is not None:
                states[:, 0] = states[:, -1] = states[items, place].clone()
            return (whole, *output[1:]) if isinstance(output, tuple) else whole

        hook = self.model.get_submodule(self.layer).register_forward_hook(move)
        try:
            return self.model(inputs)
        finally:
            hook.remove()


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
