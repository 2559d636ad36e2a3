"""Does each cause have a remedy whose code runs and cures it?"""

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from diagnosis.remedies import CAUSES, REMEDIES

Check = Callable[[SimpleNamespace], object]
N, D = 16, 8
FENCE = re.compile(r"^(?P<prose>\S.+)\n\n```python\n(?P<code>.+)\n```$", re.DOTALL)


def situation(folder: Path) -> SimpleNamespace:
    """The names that the remedies' code uses, with healthy values."""
    torch.manual_seed(0)
    images, others = torch.rand(2, N, 3, 4, 4)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, D))
    path = folder / "weights.pt"
    torch.save({f"module.{name}": torch.rand_like(w) for name, w in model.state_dict().items() if w.ndim}, path)
    return SimpleNamespace(
        **{
            "torch": torch,
            "F": F,
            "nn": nn,
            "path": path,
            "model": model,
            "learning_rate": 0.1,
            "loss": torch.zeros(()),
        },
        **{"images": images, "first": images, "second": others, "raw_images": images, "train_images": images},
        **{"x": torch.randn(N, D), "y": torch.randn(N, D), "reference": torch.randn(200, D)},
        **{"classes": torch.arange(N) % 4, "labels": torch.ones(N), "loader": [(images, others, torch.ones(N))] * 9},
        **{"tokens": torch.randn(N, 5, D), "attention_mask": (torch.arange(5) < 3).expand(N, 5).long()},
    )


class Leaking(nn.Module):
    """Adds the mean of the batch to each row."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        rows: torch.Tensor = self.model(images)
        return rows + rows.mean(0)


def cosine(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.cosine_similarity(x.double(), y.double(), dim=-1)


def halves(now: SimpleNamespace) -> None:
    """Pairs of which half are alike, with embeddings that agree."""
    now.labels = (torch.arange(N) % 2).float()
    now.y = torch.where(now.labels[:, None] > 0, now.x, -now.x)


SICK: dict[str, Check] = {
    "size_one_dim": lambda now: now.__dict__.update(x=now.x[..., None], y=now.y[..., None]),
    "scaled_copies": lambda now: now.__dict__.update(y=3 * now.x),
    "channel_or_range_mismatch": lambda now: now.__dict__.update(raw_images=torch.randint(256, (N, 4, 4, 3)).byte()),
    "batch_leak": lambda now: now.__dict__.update(model=Leaking(now.model)),
    "padding_dominates": lambda now: now.tokens[:, 3:].fill_(50),
    "common_offset": lambda now: [rows.add_(50) for rows in (now.x, now.y, now.reference)],
    "positive_only": lambda now: now.model.append(nn.ReLU()),
    "saturated_head": lambda now: now.model.append(nn.Sigmoid()),
    "rogue_dimension": lambda now: [rows[:, 3].add_(900) for rows in (now.x, now.y, now.reference)],
    "label_convention": halves,
    "squashed_similarity": halves,
    "low_precision_ties": lambda now: now.__dict__.update(x=now.x.half(), y=now.x.add(now.y / 50).half()),
    "overflow": lambda now: now.__dict__.update(x=now.x * 1e30, y=now.y * 1e30),
    "underflow_or_eps": lambda now: now.__dict__.update(x=now.x * 1e-30, y=now.y * 1e-30),
    "nan_or_zero_rows": lambda now: [now.x[3].fill_(torch.nan), now.y[5].zero_()],
    "duplicate_rows": lambda now: now.x[4:8].copy_(now.x[0]),
    "rank_collapse": lambda now: now.__dict__.update(x=torch.ones(N, D, requires_grad=True)),
}
"""What is wrong before the remedy, where something has to be."""

CURED: dict[str, Check] = {
    "same_tensor": lambda now: now.x is not now.y,
    "shared_storage": lambda now: not now.kept.requires_grad and not now.kept._is_view(),
    "carried_over": lambda now: torch.equal(
        now.similarity, F.cosine_similarity(now.model(now.first), now.model(now.second))
    ),
    "same_sample_twice": lambda now: (now.other != torch.arange(N)).all() and 0 < now.labels.sum() < N,
    "cached_buffer": lambda now: (
        now.embed("a", now.first) is now.embed("a", now.first)
        and not torch.equal(now.embed("a", now.first), now.embed("b", now.second))
    ),
    "wrong_dim": lambda now: torch.allclose(now.similarity.double(), cosine(now.x, now.y)),
    "size_one_dim": lambda now: now.similarity.shape == (N,) and now.similarity.abs().max() < 0.99,
    "scaled_copies": lambda now: now.distance.min() > 0,
    "constant_inputs": lambda now: now.spread.shape == (48,),
    "over_normalised_inputs": lambda now: torch.allclose(now.images.mean((0, 2, 3)), torch.zeros(3), atol=1e-5),
    "channel_or_range_mismatch": lambda now: now.images.shape == (N, 3, 4, 4) and now.images.max() <= 1,
    "batch_leak": lambda now: now.leak > 0.1 and torch.equal(now.x[:1], now.model(now.images[:1])),
    "padding_dominates": lambda now: torch.allclose(now.x, now.tokens[:, :3].mean(1), atol=1e-6),
    "common_offset": lambda now: now.similarity.mean() < 0.5 < cosine(now.x, now.y).mean(),
    "positive_only": lambda now: now.model(now.images).min() < 0,
    "saturated_head": lambda now: now.model(now.images).min() < 0,
    "dead_units": lambda now: not any(isinstance(module, nn.ReLU) for module in now.model.modules()),
    "bias_dominates": lambda now: not now.model[-1](torch.zeros(N, 32)).any(),
    "rogue_dimension": lambda now: now.similarity.mean() < 0.5 < cosine(now.x, now.y).mean(),
    "batchnorm_misuse": lambda now: (
        not now.model.training
        and torch.allclose(now.model[2].running_mean, now.model[:2](now.images).mean(0), atol=1e-5)
    ),
    "layernorm_size_one": lambda now: now.x.std() > 0.9,
    "weights_not_loaded": lambda now: torch.equal(now.model[1].weight, torch.load(now.path)["module.1.weight"]),
    "training_collapse": lambda now: now.loss > 0,
    "no_negatives": lambda now: len(now.first) == len(now.second) == len(now.labels) and -1 in now.labels,
    "label_convention": lambda now: now.loss < 1e-6 < F.cosine_embedding_loss(now.x, now.x, 2 * now.labels - 1),
    "squashed_similarity": lambda now: (
        now.loss < 0.05 and F.binary_cross_entropy_with_logits(now.similarity, now.labels) > 0.31
    ),
    "learning_rate_too_high": lambda now: now.step(now.model(now.images).square().mean()) is None,
    "low_precision_ties": lambda now: (
        len(now.similarity.unique()) == N > len(F.cosine_similarity(now.x, now.y).unique())
    ),
    "overflow": lambda now: torch.allclose(now.similarity, cosine(now.x, now.y)),
    "underflow_or_eps": lambda now: torch.allclose(now.similarity, cosine(now.x * 1e30, now.y * 1e30)),
    "nan_or_zero_rows": lambda now: len(now.similarity) == N - 2 and now.similarity.isfinite().all(),
    "duplicate_rows": lambda now: len(now.rows) == N - 4,
    "rank_collapse": lambda now: torch.autograd.grad(now.loss, now.x)[0].isfinite().all() and now.loss > 20,
}


@pytest.mark.parametrize("cause", CAUSES)
def test_the_code_of_a_remedy_does_what_it_says(cause: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = situation(tmp_path)
    SICK.get(cause, lambda _: None)(now)
    found = FENCE.match(REMEDIES[cause])
    assert found, "a remedy must be a paragraph and a block of Python"
    exec(found["code"], now.__dict__)
    assert CURED[cause](now)
    printed = {
        "nan_or_zero_rows": "rows to look at: [3, 5]\n",
        "duplicate_rows": "4 of 16 rows are copies; one occurs 5 times\n",
    }
    assert capsys.readouterr().out == printed.get(cause, "")


def test_every_cause_has_a_remedy_in_few_words() -> None:
    assert len(CAUSES) == len(set(CAUSES)) == 33
    for cause, text in REMEDIES.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+|overflow", cause)
        assert len(text.partition("```")[0].split()) < 80, cause


def test_inputs_that_are_all_alike_are_refused_by_their_remedy() -> None:
    code = FENCE.match(REMEDIES["constant_inputs"])
    assert code
    with pytest.raises(AssertionError, match="the samples hardly differ"):
        exec(code["code"], {"images": torch.full((N, 3, 4, 4), 0.7) + 1e-5 * torch.rand(N, 3, 4, 4)})
