"""Does the diagnosis name the cause from vectors alone: planted causes, look-alikes, healthy sets, two causes?"""

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from diagnosis.examine import examine
from diagnosis.signature.signature import measure
from diagnosis.subject import Subject
from diagnosis.symptoms import symptoms
from diagnosis.validity.planted import code, geometry, numerics
from diagnosis.validity.planted.plant import Plant, Size
from tests.tensors import normal

PLANTS = (*code.PLANTS, *geometry.PLANTS, *numerics.PLANTS)
SMALL = Size(64, 32)


def named(subject: Subject) -> list[str]:
    return [cause.name for cause in examine(subject).causes]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_planted_cause_is_named_first_and_undoing_it_takes_the_symptom_away(plant: Plant) -> None:
    diagnosis = examine(plant.make(SMALL, plant.dtypes[0], Generator().manual_seed(1)))
    first = diagnosis.causes[0]

    assert (diagnosis.verdict, first.name) == ("cause", plant.name)
    assert first.confidence > 0.75
    assert first.counterfactual is not None
    assert first.counterfactual.flips
    assert first.evidence
    assert "```python" in first.remedy


def clusters(count: int, spread: float) -> Tensor:
    return normal(count, 64)[torch.arange(200) % count] + spread * normal(200, 64, seed=1)


def one_storage() -> Subject:
    both = normal(2, 100, 32)
    return Subject(x=both[0], y=both[1])


def of_classes(count: int) -> Tensor:
    """One direction per class, `count - 1` dimensions once centred; the classes touch."""
    centres = torch.linalg.qr(normal(64, count)).Q.T
    return centres[torch.arange(200) % count] + 0.12 * normal(200, 64, seed=1) @ centres.T @ centres


HEALTHY = {
    "two classes": Subject(x=of_classes(2)),
    "three classes": Subject(x=of_classes(3)),
    "a strong direction beside many faint ones": Subject(
        x=normal(400, 64, seed=1) * torch.tensor([1.0] * 2 + [0.05] * 62) @ torch.linalg.qr(normal(64, 64)).Q
    ),
    "five rows": Subject(x=normal(5, 64)),
    "two rows": Subject(x=normal(2, 8)),
    "ten rows of three": Subject(x=normal(10, 3)),
    "isotropic": Subject(x=normal(200, 64)),
    "uniform pixels, mean cosine 0.75": Subject(x=normal(200, 64).sigmoid() ** 0.7),
    "two tight clusters": Subject(x=clusters(2, 0.1)),
    "three clusters": Subject(x=clusters(3, 0.3)),
    "low temperature": Subject(x=F.normalize(F.normalize(clusters(10, 0.3)) + 2 * F.normalize(normal(1, 64, seed=9)))),
    "pairs all alike": Subject(x=normal(200, 64), y=normal(200, 64) + 0.1 * normal(200, 64, seed=2)),
    "both sides in one storage": one_storage(),
    "one query beside many documents": Subject(x=normal(1, 64).expand(200, -1), y=normal(200, 64, seed=3)),
    "two dims": Subject(x=normal(200, 2)),
    "norms far apart": Subject(x=normal(200, 64) * (3 * normal(200, 1, seed=4)).exp()),
    "tiny, and still in range": Subject(x=normal(200, 64) * 1e-5, y=normal(200, 64, seed=5) * 1e-5),
    "neighbours in time on purpose": Subject(
        x=normal(101, 32)[1:], y=normal(101, 32)[:-1], inputs=normal(101, 8)[1:], other_inputs=normal(101, 8)[:-1]
    ),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_what_is_healthy_and_looks_odd_is_healthy(name: str) -> None:
    diagnosis = examine(HEALTHY[name])

    assert (diagnosis.verdict, diagnosis.causes) == ("healthy", ())


OFFSET = 8 * F.normalize(normal(1, 64, seed=7)) * 8
PAGES = F.pad(normal(100, 8, 8).sigmoid(), (12,) * 4, value=1.0)
LOOK_ALIKES = {
    "a copy of x beside inputs of its own": (
        Subject(x=normal(100, 16), y=normal(100, 16), inputs=normal(100, 8), other_inputs=normal(100, 8, seed=1)),
        "carried_over",
    ),
    "white around each image": (Subject(x=PAGES.flatten(1), inputs=PAGES), "padding_dominates"),
    "white around each image, channels last": (
        Subject(x=PAGES.flatten(1), inputs=PAGES[..., None]),
        "padding_dominates",
    ),
    "a time beside what was measured": (
        Subject(x=torch.cat([normal(200, 8), 1e9 + 1e7 * normal(200, 1)], 1)),
        "rogue_dimension",
    ),
    "what rounding left beside an offset": (Subject(x=(normal(200, 64) * 0.3 + 301).bfloat16()), "low_precision_ties"),
    "squares beyond the dtype in some columns": (
        Subject(x=torch.cat([normal(200, 60), 1e25 * normal(200, 4, seed=1)], 1)),
        "overflow",
    ),
    "constant rows between 0 and 1": (Subject(x=torch.ones(200, 16) / 2), "training_collapse"),
    "an offset that happens to be positive": (Subject(x=normal(200, 64) + 8), "common_offset"),
    "unit rows within 0 and 1": (Subject(x=F.normalize(normal(200, 64) + 8)), "common_offset"),
    "one line through 0, both ways": (Subject(x=normal(200, 1) * normal(1, 64, seed=1)), "rank_collapse"),
    "one ray": (Subject(x=(1 + normal(200, 1).abs()) * normal(1, 64, seed=1)), "scaled_copies"),
    "one point": (Subject(x=normal(1, 64).repeat(200, 1)), "training_collapse"),
    "one memory for all rows": (Subject(x=normal(1, 64).expand(200, -1)), "shared_storage"),
    "three points": (Subject(x=normal(3, 64).repeat(60, 1)), "duplicate_rows"),
    "rows that are truly equal in float16": (
        Subject(x=normal(200, 64).half(), y=normal(200, 64).half() * 2),
        "scaled_copies",
    ),
    "zeros, not underflow": (Subject(x=normal(200, 64) * (torch.arange(200) % 3 > 0)[:, None]), "nan_or_zero_rows"),
    "over the batch": (Subject(x=normal(50, 64), y=normal(50, 64, seed=1), dim=0), "wrong_dim"),
    "a single column": (Subject(x=normal(200, 1), y=normal(200, 1, seed=1)), "size_one_dim"),
}


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_similar_causes_are_distinguished(name: str) -> None:
    subject, cause = LOOK_ALIKES[name]

    assert named(subject)[:1] == [cause]


def test_rows_that_a_repair_has_emptied_are_no_second_cause() -> None:
    assert named(Subject(x=normal(1, 64).repeat(200, 1))) == ["training_collapse"]


def test_two_causes_of_two_symptoms_are_both_named() -> None:
    x = normal(200, 64) + OFFSET
    x[:40] = 0

    assert set(named(Subject(x=x))) == {"common_offset", "nan_or_zero_rows"}


def test_an_offset_that_hides_a_collapsed_rank_is_named_with_it() -> None:
    x = normal(200, 1) * normal(1, 64, seed=1) + 0.01 * normal(200, 64, seed=2)

    assert named(Subject(x=x + 5 * OFFSET))[0] in {"common_offset", "training_collapse"}
    assert named(Subject(x=x)) == ["rank_collapse"]


@pytest.mark.parametrize(
    "similarity",
    [
        lambda x, y: torch.ones(len(x)),
        lambda x, y: F.cosine_similarity(x, y).mean().expand(len(x)),
        lambda x, y: F.cosine_similarity(x, y).clamp(1),
    ],
    ids=["constant", "mean", "clamped"],
)
def test_a_similarity_that_is_wrong_in_a_way_of_its_own_is_unknown(similarity: object) -> None:
    diagnosis = examine(Subject(x=normal(100, 32), y=normal(100, 32, seed=1), similarity=similarity))  # type: ignore[arg-type]

    assert (diagnosis.verdict, diagnosis.causes) == ("unknown", ())


def test_many_rows_are_sampled_and_what_is_one_tensor_stays_one() -> None:
    x = normal(20_000, 16)

    assert named(Subject(x=x)) == []
    assert named(Subject(x=x + 9)) == ["common_offset"]
    assert named(Subject(x=x, y=x)) == ["same_tensor"]
    assert named(Subject(x=x, y=x.view_as(x))) == ["shared_storage"]


def test_one_bad_row_in_many_is_found_though_it_is_not_in_the_sample() -> None:
    x = normal(20_000, 16)
    x[12_345, 3] = torch.nan
    (cause,) = examine(Subject(x=x)).causes

    assert (cause.name, cause.evidence["nan_rows"]) == ("nan_or_zero_rows", 1)


@pytest.mark.parametrize(("count", "lost"), [(64, True), (1024, False)])
def test_an_order_that_few_pairs_have_by_chance_counts_as_lost(count: int, lost: bool) -> None:
    """Rounding noise alone can give 64 pairs a correlation of up to 0.44, but never 1024 pairs."""
    x, noise = normal(count, 32), normal(count, seed=2).double()
    y = x + 0.05 * normal(count, 32, seed=1)
    exact = F.cosine_similarity(x.double(), y.double())
    ranks = exact.argsort().argsort().double()
    ranks, noise = (v - v.mean() for v in (ranks, noise.argsort().argsort().double()))
    noise -= ranks * (noise @ ranks) / (ranks @ ranks)
    mixed = 0.38 * ranks / ranks.norm() + (1 - 0.38**2) ** 0.5 * noise / noise.norm()
    subject = Subject(x=x, y=y, similarity=lambda x, y: mixed if len(x) == count else x.new_ones(len(x)))
    (order,) = (one for one in symptoms(subject, measure(subject)) if one.name == "order of the answers")

    assert 0.31 < order.value < 0.43
    assert order.present == lost
