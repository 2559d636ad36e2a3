"""Does a diagnosis leave the model unchanged, and do reruns without the suspected fault work?"""

import copy
import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from diagnosis import DiagnosisError, diagnose
from diagnosis.isolation import private_copy, seeded
from diagnosis.probes.layers import activations, calls, without
from diagnosis.probes.model import embed, mean_row_cosine, rerun, source
from diagnosis.probes.training import STEPS, reinitialised, retrained
from diagnosis.subject import Subject
from diagnosis.suspects.weights import fit_to_data, is_untouched, matched
from diagnosis.validity.planted.sources import trained
from tests.tensors import normal
from tests.trainings import contrast


class Untidy(nn.Module):
    """Changes its state in every way in each call, and raises `error` after `calls` calls."""

    def __init__(self, error: BaseException | None = None, calls: int = 0) -> None:
        super().__init__()
        self.norm, self.drop, self.linear = nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 8)
        self.kept: list[torch.Tensor] = []
        self.last: torch.Tensor | None = None
        self.register_buffer("count", torch.zeros(()))
        self.error, self.calls = error, calls

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.count += 1
        with torch.no_grad():
            self.linear.weight.add_(0.01)
        random.random(), np.random.rand(), torch.rand(1)
        self.linear.requires_grad_(False)
        self.norm.eval()
        self.linear.register_forward_hook(lambda *_: None)
        self.last = self.linear(self.drop(self.norm(inputs)))
        self.kept.append(self.last)
        if self.error is not None and self.count > self.calls:
            raise self.error
        return self.last


WHAT: dict[str, Callable[[Untidy], Any]] = {
    "weights and buffers": lambda model: {name: tensor.tolist() for name, tensor in model.state_dict().items()},
    "the mode of each module": lambda model: [module.training for module in model.modules()],
    "gradients": lambda model: [None if w.grad is None else w.grad.tolist() for w in model.parameters()],
    "requires_grad": lambda model: [w.requires_grad for w in model.parameters()],
    "hooks": lambda model: [list(module._forward_hooks) for module in model.modules()],
    "plain attributes": lambda model: (model.last, len(model.kept)),
    "torch's random state": lambda model: torch.get_rng_state().tolist(),
    "Python's random state": lambda model: random.getstate(),
    "NumPy's random state": lambda model: np.random.get_state()[1].tolist(),  # type: ignore[union-attr]
    "whether gradients are taken": lambda model: torch.is_grad_enabled(),
}
ENDINGS: dict[str, tuple[BaseException | None, int, type[BaseException] | None]] = {
    "it ends": (None, 0, None),
    "it raises at once": (ValueError("no"), 0, DiagnosisError),
    "it raises later": (ValueError("no"), 3, DiagnosisError),
    "it is interrupted": (KeyboardInterrupt(), 2, KeyboardInterrupt),
}


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_model_is_as_it_was_however_a_diagnosis_ends(ending: str, what: str) -> None:
    error, after, raised = ENDINGS[ending]
    model = Untidy(error, after)
    model.drop.eval()
    model.linear.weight.grad = torch.ones_like(model.linear.weight)
    before = WHAT[what](model)
    if raised is None:
        diagnose(model=model, loader=[normal(16, 16, seed=seed) for seed in range(4)])
    else:
        with pytest.raises(raised):
            diagnose(model=model, loader=[normal(16, 16, seed=seed) for seed in range(4)])
    assert WHAT[what](model) == before


@pytest.mark.parametrize("what", WHAT)
def test_training_a_copy_leaves_the_model_alone(what: str) -> None:
    model = Untidy()
    model.requires_grad_(True)
    before = WHAT[what](model)
    reinitialised(private_copy(model))
    retrained(pairs_for(trained("layernorm", 32, torch.Generator())), 1e-3)
    assert WHAT[what](model) == before


def pairs_for(model: nn.Module, loss: Any = None) -> Subject:
    a, b = normal(32, 64), normal(32, 64, seed=1)
    labels = torch.tensor([0, 1] * 16)
    x, y = embed(private_copy(model), a), embed(private_copy(model), b)
    return Subject(x=x, y=y, inputs=a, other_inputs=b, labels=labels, model=model, loss=loss or contrast)


def test_the_weights_of_a_loss_get_no_gradients() -> None:
    scale = nn.Parameter(torch.tensor(10.0))
    retrained(pairs_for(nn.Linear(64, 8), lambda s, labels: contrast(s * scale, labels)), 1e-3)
    assert scale.grad is None


def test_the_random_states_of_cuda_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.Generator().manual_seed(5)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "default_generators", (cuda,))
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: cuda.get_state())
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: cuda.set_state(state))
    before = cuda.get_state()
    with seeded():
        assert cuda.initial_seed() == 0
        torch.rand(3, generator=cuda)
    assert torch.equal(cuda.get_state(), before)


def test_a_seed_gives_the_same_numbers() -> None:
    def drawn() -> tuple[float, float, float]:
        with seeded(3):
            return float(torch.rand(())), random.random(), float(np.random.rand())

    assert drawn() == drawn()


def test_a_model_that_kept_an_output_with_its_graph_is_copied() -> None:
    model = Untidy()
    model.last = model.linear(normal(2, 16))
    model.kept = [model.last]
    copied = private_copy(model)
    assert copied.last is copied.kept[0]
    assert copied.last is not model.last
    assert torch.equal(copied.last, model.last)  # type: ignore[arg-type]


def test_a_model_that_can_not_be_copied_is_refused() -> None:
    model = nn.Linear(4, 4)
    model.lock = threading.Lock()  # type: ignore[assignment]
    with pytest.raises(DiagnosisError, match=r"the Linear can't be copied \(TypeError.*diagnose\(x, y, inputs=...\)"):
        diagnose(model=model, inputs=normal(8, 4))


class Answers(nn.Module):
    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, inputs: torch.Tensor) -> Any:
        return self.answer


@pytest.mark.parametrize(("answer", "says"), [
    ((torch.ones(8, 4),), "returns a tuple, not a tensor of embeddings"),
    (None, "returns a NoneType"),
    (torch.ones(8), r"returns \(8,\) torch.float32 for inputs \(8, 64\)"),
    (torch.ones(3, 4), r"returns \(3, 4\)"),
    (torch.ones(8, 4, dtype=torch.int64), "torch.int64 for inputs"),
])  # fmt: skip
def test_a_model_that_answers_no_embeddings_is_refused(answer: Any, says: str) -> None:
    with pytest.raises(DiagnosisError, match=says):
        diagnose(model=Answers(answer), inputs=normal(8, 64))


def test_an_error_of_a_model_is_given_with_the_inputs_and_the_next_step() -> None:
    says = r"the model raised RuntimeError: mat1.*; call model\(inputs\) yourself on inputs \(8, 5\) torch.float32"
    with pytest.raises(DiagnosisError, match=says):
        diagnose(model=nn.Linear(4, 4), inputs=normal(8, 5))


def test_an_error_of_a_loss_or_similarity_is_given() -> None:
    known = vars(pairs_for(nn.Linear(64, 8)))
    with pytest.raises(DiagnosisError, match="the loss raised KeyError"):
        diagnose(**{**known, "loss": lambda s, labels: {}["no"]})
    with pytest.raises(DiagnosisError, match="the similarity raised KeyError"):
        diagnose(**{**known, "similarity": lambda x, y: {}["no"]})


class Functional(nn.Module):
    """Applies activations as a function, as a method, in place, and as a module."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.act = nn.Linear(4, 8), nn.Linear(8, 3), nn.ReLU(inplace=True)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        hidden = F.relu6(self.act(self.first(inputs)))
        answer: torch.Tensor = torch.sigmoid(self.second(hidden)).tanh().softmax(-1)
        return answer


def test_activations_are_seen_however_they_are_called_and_can_be_left_out() -> None:
    model, x = Functional(), normal(6, 4)
    assert [each.name for each in activations(model, x)] == ["relu", "relu6", "sigmoid", "tanh", "softmax"]
    hidden = F.relu6(torch.relu(model.first(x)))
    torch.testing.assert_close(without(model, [2, 3, 4])(x), model.second(hidden))
    assert [each.name for each in activations(without(model, [4]), x)] == ["relu", "relu6", "sigmoid", "tanh"]


def test_a_relu_with_the_mean_as_its_threshold_has_no_dead_units() -> None:
    dead = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    nn.init.constant_(dead[0].bias, -100)
    assert mean_row_cosine(dead(normal(32, 4)).detach()) == pytest.approx(1)
    assert mean_row_cosine(without(dead, [0])(normal(32, 4)).detach()) < 0.99


def test_calls_keep_a_layers_output_before_it_is_overwritten() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True))
    first, second = calls(model, normal(6, 4))
    assert (first.name, second.name) == ("0", "1")
    torch.testing.assert_close(first.output, model[0](normal(6, 4)).detach())
    assert second.output.min() == 0 > first.output.min()


def test_nothing_can_be_run_again_where_one_side_has_no_inputs() -> None:
    subject = Subject(x=normal(8, 4), y=normal(8, 4, seed=1), inputs=normal(8, 4), model=nn.Linear(4, 4))
    assert source(subject) is None
    with pytest.raises(DiagnosisError, match="pass model= and inputs="):
        rerun(subject)


def test_a_rerun_is_the_same_each_time_and_in_the_dtype_of_before() -> None:
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(64, 8)).train()
    subject = Subject(x=normal(8, 8).half(), inputs=normal(8, 64), model=model)
    assert torch.equal(rerun(subject).x, rerun(subject).x)
    assert rerun(subject).x.dtype == torch.float16


def test_two_sides_have_dropout_of_their_own() -> None:
    model = nn.Sequential(nn.Linear(64, 8), nn.Dropout(0.5)).train()
    same = normal(8, 64)
    found = rerun(Subject(x=normal(8, 8), y=normal(8, 8), inputs=same, other_inputs=same, model=model))
    assert not torch.equal(found.x, found.y)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [
    lambda: nn.Linear(64, 32),
    lambda: nn.Linear(64, 32, bias=False),
    lambda: nn.Conv2d(3, 16, 3),
    lambda: nn.BatchNorm1d(8),
    lambda: nn.LayerNorm(8),
    lambda: nn.LayerNorm(8, elementwise_affine=False),
    lambda: _drawn(nn.init.kaiming_normal_),
    lambda: _drawn(nn.init.xavier_uniform_),
])  # fmt: skip
def test_weights_as_they_are_drawn_are_known_until_a_step_is_taken(make: Callable[[], nn.Module]) -> None:
    with seeded(1):
        layer = make()
    assert is_untouched(layer)
    for weight in layer.parameters():
        weight.data += 0.05 * normal(*weight.shape)
    assert is_untouched(layer) == (not list(layer.parameters()))


def _drawn(draw: Callable[[torch.Tensor], object]) -> nn.Linear:
    layer = nn.Linear(64, 32)
    draw(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def test_weights_are_matched_by_the_ends_of_their_names_and_by_shape() -> None:
    held = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)).state_dict()
    wrapped = {f"module.{name}": tensor for name, tensor in held.items()}
    assert matched(held, wrapped).keys() == held.keys()
    assert matched(wrapped, held).keys() == wrapped.keys()
    assert matched(held, {"0.weight": torch.ones(1, 1)}) == {}
    assert matched(held, {"a.0.weight": held["0.weight"], "b.0.weight": held["0.weight"]}) == {}


def test_fitted_layers_have_outputs_of_mean_0_and_spread_1() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3, bias=False), nn.Linear(3, 5))
    fit_to_data(model, normal(256, 4))
    answer = model(normal(256, 4)).detach()
    torch.testing.assert_close(answer.mean(0), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(answer.std(0), torch.ones(5))
    assert not model[0]._forward_hooks


def test_a_model_drawn_anew_learns_in_its_few_steps() -> None:
    model = trained("layernorm", 32, torch.Generator())
    model[-1].weight.data.zero_()  # type: ignore[union-attr]
    subject = pairs_for(model)
    anew = retrained(subject, 1e-2)
    assert STEPS > 0
    loss = [float(contrast(F.cosine_similarity(s.x, s.y), s.labels)) for s in (subject, anew)]  # type: ignore[arg-type]
    assert loss[1] < 0.5 * loss[0]
    assert anew.model is not None
    assert not anew.model.training
    assert copy.deepcopy(model)[-1].weight.count_nonzero() == 0  # type: ignore[union-attr, operator]


def test_swapped_channels_are_found_with_a_model_that_takes_them() -> None:
    reads_the_first = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten())
    nn.init.zeros_(reads_the_first[0].weight[:, 1:])  # type: ignore[index]
    images = torch.full((64, 3, 8, 8), 1.0)
    images[:, 2] += normal(64, 8, 8)
    found = diagnose(model=reads_the_first, inputs=images)
    assert found.causes[0].name == "channel_or_range_mismatch"
    assert found.causes[0].counterfactual is not None
    assert found.causes[0].counterfactual.change == "reverse the channels"


@pytest.mark.parametrize("make", [
    lambda: nn.Sequential(nn.Linear(64, 8), Resetless()),
    lambda: nn.Linear(64, 8).requires_grad_(False),
    lambda: nn.Sequential(nn.Flatten(), Answering()),
])  # fmt: skip
def test_a_probe_that_a_model_does_not_allow_is_left_out(make: Callable[[], nn.Module]) -> None:
    subject = pairs_for(make().eval())
    found = diagnose(**{**vars(subject), "labels": torch.ones(32), "learning_rate": 0.1})
    assert found.causes[0].name == "no_negatives"
    assert found.causes[0].counterfactual is not None
    assert found.causes[0].counterfactual.change == "add shuffled pairs as negatives"
    assert found.causes[0].counterfactual.flips


class Resetless(nn.Module):
    def reset_parameters(self) -> None:
        raise RuntimeError("the weights are frozen")

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs


class Answering(nn.Module):
    """A model without weights, which can't be trained."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        assert not self.training, "this model can't be trained"
        return inputs + 100


def test_left_out_where_one_length_only_is_taken() -> None:
    padded = torch.zeros(64, 40, dtype=torch.long)
    padded[:, :4] = torch.randint(1, 50, (64, 4), generator=torch.Generator().manual_seed(0))
    with seeded(0):
        model = nn.Sequential(nn.Embedding(50, 8), nn.Flatten(), nn.Linear(320, 16))
    assert "padding_dominates" not in [cause.name for cause in diagnose(model=model, inputs=padded).causes]


def named(**known: Any) -> list[str]:
    return [cause.name for cause in diagnose(**known).causes]


def mlp(columns: int = 16) -> nn.Sequential:
    with seeded(1):
        return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, columns))


class Remembering(nn.Module):
    """Repeats its first answer to a batch of the same size."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.answers = model, dict[int, torch.Tensor]()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.answers.setdefault(len(inputs), self.model(inputs).detach()).clone()


@pytest.mark.parametrize("used", [False, True])
def test_an_answer_that_is_given_again_is_cached_whether_it_is_a_copy_or_not(used: bool) -> None:
    model = Remembering(mlp())
    if used:
        model(normal(64, 64, seed=2))
    found = diagnose(model=model, inputs=normal(64, 64), other_inputs=normal(64, 64, seed=1))
    assert found.causes[0].name == "cached_buffer"
    assert (found.causes[0].counterfactual is None) == used  # a cache filled before the diagnosis remains


def test_a_model_whose_rows_are_all_alike_remembers_nothing() -> None:
    dead = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 4))
    nn.init.constant_(dead[0].bias, -100)
    assert "cached_buffer" not in named(model=dead, inputs=normal(64, 64))


def test_outputs_of_earlier_steps_are_carried_over() -> None:
    model, a, b = mlp(), normal(64, 64), normal(64, 64, seed=1)
    stale = embed(model, a)
    model[0].weight.data += 0.01 * normal(64, 64, seed=2)  # type: ignore[operator, union-attr]
    known = {"x": embed(model, a), "inputs": a, "other_inputs": b, "model": model}
    assert named(y=stale, **known) == ["carried_over"]
    assert named(y=stale.half(), **{**known, "x": known["x"].half()}) == ["carried_over"]  # type: ignore[union-attr]
    assert named(y=embed(model, b), **known) == []
    behind = normal(64, 64, seed=2) * 0.01  # a lagging teacher computes y from its own inputs
    teacher = copy.deepcopy(model)
    teacher[0].weight.data -= behind  # type: ignore[operator, union-attr]
    assert named(y=embed(teacher, b), **known) == []


def test_texts_of_unknown_words_only_are_one_input_whatever_their_length() -> None:
    tokens = torch.zeros(64, 30, dtype=torch.long)
    for row, text in enumerate(tokens):
        text[: 10 + row % 20] = 100
    model = nn.EmbeddingBag(200, 16, mode="mean", padding_idx=0)
    assert named(model=model, inputs=tokens)[0] == "constant_inputs"


def test_one_hot_rows_are_no_repeated_input() -> None:
    model = nn.EmbeddingBag(200, 16, mode="mean")
    assert "constant_inputs" not in named(model=model, inputs=torch.eye(64, dtype=torch.long))


def test_weights_as_they_are_drawn_are_no_fault_where_the_embeddings_are_sound() -> None:
    assert diagnose(model=mlp(), inputs=normal(64, 64)).verdict == "healthy"


def test_half_a_hidden_layer_that_is_dead_does_not_make_rows_alike() -> None:
    model = mlp()
    model[0].bias.data[:40] = -100  # type: ignore[union-attr, index]
    model[2].bias.data += 100 * normal(16)  # type: ignore[union-attr, operator]
    assert named(model=model, inputs=normal(64, 64))[0] == "bias_dominates"


class OfBytes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = mlp()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.layer((images - 127.5) / 73)
        return answer


def test_pixels_of_0_to_1_where_the_model_scales_bytes_by_itself() -> None:
    images = torch.rand(64, 64, generator=torch.Generator().manual_seed(0))
    found = diagnose(model=OfBytes(), inputs=images).causes[0]
    assert found.name == "channel_or_range_mismatch"
    assert found.counterfactual is not None
    assert found.counterfactual.change == "multiply the inputs by 255"
    assert named(model=OfBytes(), inputs=255 * images) == []


def labelled_pairs(loss: Any) -> dict[str, Any]:
    a, b = normal(64, 64), normal(64, 64, seed=1)
    return {"model": mlp(), "inputs": a, "other_inputs": b, "labels": torch.tensor([0, 1] * 32), "loss": loss}


@pytest.mark.parametrize("rate", [None, 1e-4, 1e-1])
def test_a_loss_that_pushes_nothing_apart_has_no_negatives_at_any_rate(rate: float | None) -> None:
    known = labelled_pairs(lambda s, labels: (1 - s).mean())
    assert named(**known, learning_rate=rate)[0] == "no_negatives"


def test_a_loss_that_ranks_pairs_of_a_batch_pushes_unlike_ones_apart() -> None:
    def ranking(s: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        higher = labels[:, None] < labels
        return (20 * (s[:, None] - s))[higher].exp().sum().log1p()

    assert "no_negatives" not in named(**labelled_pairs(ranking))


@pytest.mark.parametrize(("of_cosine", "squashed"), [
    (lambda c: torch.sigmoid(2 * c + 4), True),
    (lambda c: 0.99 + 0.01 * c, True),
    (lambda c: torch.exp((c - 1) / 10), True),
    (lambda c: (1 + c) / 2, False),
    (lambda c: c / 0.07, False),
    (lambda c: 0.9 + 0.05 * (c > 0.2), False),
    (lambda c: 1 - 0.01 * c.cummax(0).values, False),
])  # fmt: skip
def test_a_narrow_increasing_function_of_the_cosine_is_squashed(of_cosine: Callable[..., Any], squashed: bool) -> None:
    x, y = normal(64, 16), normal(64, 16, seed=1)
    found = named(x=x, y=y, similarity=lambda x, y: of_cosine(F.cosine_similarity(x, y)))
    assert found == ["squashed_similarity"] * squashed
