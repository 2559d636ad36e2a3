"""Is padding that is pooled found on both sides, and are copies that the model makes not called the data's?"""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diagnosis import diagnose
from diagnosis.isolation import seeded
from diagnosis.probes.lengths import Spans, cropped_to, filled_from, real_spans
from tests.tensors import normal

N = 200


def texts(length: int, longest: int, start: bool, padding: int = 0, rows: int = N) -> Tensor:
    """Ids of 3 or more random words, padded at the start or at the end."""
    ids = torch.full((rows, length), padding)
    for row in ids:
        count = int(torch.randint(3, longest + 1, ()))
        row[length - count :] = torch.randint(2, 100, (count,))
    return ids if start else ids.flip(1)


class Transformer(nn.Module):
    """Two layers without a padding mask; pooled as `pool` says."""

    def __init__(self, pool: Callable[[Tensor], Tensor], causal: bool = False, places: int = 0) -> None:
        super().__init__()
        self.words, self.pool, self.causal = nn.Embedding(100, 32), pool, causal
        layer = nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.places = nn.Parameter(0.1 * torch.randn(places, 32)) if places else None

    def forward(self, ids: Tensor) -> Tensor:
        seen = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).triu(1) if self.causal else None
        states = self.words(ids) if self.places is None else self.words(ids) + self.places
        return self.pool(self.layers(states, mask=seen))


class Recurrent(nn.Module):
    """The last state of a GRU, or the first one backwards."""

    def __init__(self, backwards: bool = False) -> None:
        super().__init__()
        self.words, self.backwards = nn.Embedding(100, 24), backwards
        self.cells = nn.GRU(24, 32, batch_first=True)

    def forward(self, ids: Tensor) -> Tensor:
        states: Tensor = self.words(ids)
        return self.cells(states.flip(1) if self.backwards else states)[0][:, -1]  # type: ignore[no-any-return]


class Frames(nn.Module):
    """Convolutions over time, `[N, T, 8]` or `[N, 8, T]`, and a mean over all places."""

    def __init__(self, channels_last: bool) -> None:
        super().__init__()
        self.channels_last = channels_last
        self.net = nn.Sequential(nn.Conv1d(8, 32, 3), nn.Tanh())

    def forward(self, frames: Tensor) -> Tensor:
        answer: Tensor = self.net(frames.mT if self.channels_last else frames)
        return answer.mean(2)


def frames(start: bool) -> Tensor:
    ids = texts(60, 12, start)
    return (ids != 0)[..., None] * (torch.randn(N, 60, 8) + 0.0)


def first(states: Tensor) -> Tensor:
    return states[:, 0]


def last(states: Tensor) -> Tensor:
    return states[:, -1]


def mean(states: Tensor) -> Tensor:
    return states.mean(1)


def projected(model: nn.Module) -> nn.Module:
    return nn.Sequential(model, nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 16), nn.LayerNorm(16))


PADDED: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = {
    "the first state, causal": lambda: (Transformer(first, causal=True), texts(16, 16, True, rows=400)),
    "the first state, causal, projected": lambda: (
        projected(Transformer(first, causal=True)),
        texts(16, 16, True, rows=400),
    ),
    "the last state": lambda: (Transformer(last), texts(64, 12, False)),
    "the first state, padded by 1": lambda: (Transformer(first), texts(64, 12, True, padding=1)),
    "the mean, padded at the start": lambda: (Transformer(mean), texts(64, 12, True)),
    "the mean, padded at the end": lambda: (Transformer(mean), texts(64, 12, False)),
    "one length only": lambda: (Transformer(first, places=64), texts(64, 20, True)),
    "a recurrent state": lambda: (Recurrent(), texts(64, 12, False)),
    "a recurrent state, backwards": lambda: (Recurrent(backwards=True), texts(64, 12, True)),
    "frames": lambda: (Frames(channels_last=True), frames(True)),
    "channels": lambda: (Frames(channels_last=False), frames(False).mT.contiguous()),
}


@pytest.mark.parametrize("case", PADDED)
def test_pooled_padding_is_named_and_undone(case: str) -> None:
    with seeded():
        model, inputs = PADDED[case]()
    found = diagnose(model=model.eval(), inputs=inputs)
    assert found.causes[0].name == "padding_dominates"
    assert "duplicate_rows" not in [cause.name for cause in found.causes]
    assert found.causes[0].counterfactual is not None
    assert found.causes[0].counterfactual.flips
    assert found.causes[0].evidence["padded_at"] == ("the end" if case in AT_THE_END else "the start")


AT_THE_END = {"the last state", "the mean, padded at the end", "a recurrent state", "channels"}


def test_rows_that_are_the_state_of_the_padding_are_counted() -> None:
    with seeded():
        model, inputs = PADDED["the first state, causal"]()
    (cause,) = diagnose(model=model.eval(), inputs=inputs).causes
    assert cause.evidence["padded_rows_with_the_embedding_of_padding_alone"] == pytest.approx(1)
    assert cause.counterfactual is not None
    assert cause.counterfactual.change == "take the state of a real place"


class First(nn.Module):
    """The first state behind causal attention, as in a report."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(100, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, ids: Tensor) -> Tensor:
        hidden = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).triu(1)
        states: Tensor = self.layers(self.words(ids), mask=hidden)
        return states[:, 0]


@pytest.mark.parametrize("as_function", [False, True])
def test_the_model_of_a_report_pools_padding(as_function: bool) -> None:
    with seeded():
        ids = torch.zeros(400, 16, dtype=torch.long)
        for row in ids:
            count = int(torch.randint(3, 17, ()))
            row[16 - count :] = torch.randint(1, 100, (count,))
        model = First().eval()
    found = diagnose(model=(lambda ids: model(ids) + 0) if as_function else model, inputs=ids)
    assert [cause.name for cause in found.causes] == ["padding_dominates"]
    assert found.signature["inputs_become_equal_at"] == "what follows " + "model." * as_function + LAST


LAST = "layers.layers.1.norm2 (LayerNorm)"


@pytest.mark.parametrize("pool", [first, mean])
def test_padding_that_does_no_harm_is_not_named(pool: Callable[[Tensor], Tensor]) -> None:
    with seeded():
        model, ids = Transformer(pool).eval(), texts(16, 16, False)
        nn.init.constant_(model.layers.layers[-1].norm2.bias, 50)
    found = diagnose(model=model, inputs=ids)
    assert found.causes
    assert "padding_dominates" not in [cause.name for cause in found.causes]


def test_a_first_token_that_all_texts_share_is_no_padding() -> None:
    with seeded():
        ids = torch.randint(2, 100, (N, 12))
        ids[:, 0] = ids[0, 1] = 1
        found = diagnose(model=nn.Sequential(nn.Embedding(100, 32), Head()), inputs=ids)
    assert "padding_dominates" not in [cause.name for cause in found.causes]


class Head(nn.Module):
    def forward(self, states: Tensor) -> Tensor:
        return first(states)


def codes(inputs: Tensor) -> Tensor:
    """The nearest of eight codes: few outputs for many inputs."""
    table = torch.eye(8, 16)
    return table[torch.cdist(inputs, table).argmin(1)]


def test_equal_rows_of_different_inputs_are_not_the_datas_copies() -> None:
    inputs = normal(N, 16)
    assert diagnose(codes(inputs)).causes[0].name == "duplicate_rows"
    assert "duplicate_rows" not in [cause.name for cause in diagnose(codes(inputs), inputs=inputs).causes]
    few = inputs[torch.arange(N) % 20]
    assert diagnose(few.clone(), inputs=few).causes[0].name == "duplicate_rows"


def test_places_without_padding_are_found_on_both_sides() -> None:
    ids = torch.tensor([[0, 0, 5, 6], [0, 7, 0, 8], [1, 2, 3, 4], [0, 0, 0, 0]])
    spans = real_spans(ids)
    assert spans.start.tolist() == [2, 1, 0, 0]
    assert spans.end.tolist() == [4, 4, 4, 1]
    assert real_spans(ids[:3].flip(1)).lengths.tolist() == [2, 3, 4]
    few = Spans(spans.start[:1], spans.end[:1])
    assert cropped_to(few, ids[:1]).tolist() == [[5, 6]]
    assert filled_from(spans, ids)[:2].tolist() == [[5, 6, 5, 6], [8, 7, 0, 8]]
    assert filled_from(spans, F.one_hot(ids))[0].argmax(1).tolist() == [5, 6, 5, 6]
