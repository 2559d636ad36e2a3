"""Is the guide's loop rebuilt as written, and does the report judge its advice by measurements?"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from reports import render
from reports.sections.always_one.effects import HELPS, HURTS, SAME, UNCLEAR, effects, outcomes
from results import Status, load_always_one
from suites.always_one import makers
from suites.always_one.changes import CHANGES, NO_CHANGE, changes
from suites.always_one.experiment import UNTRAINED, trained, untrained
from suites.always_one.images import shifted, split
from suites.always_one.loop import AS_WRITTEN, CORRECT_CODE, LOOPS
from suites.always_one.losses import LOSSES, sigmoid
from suites.always_one.pairs import BATCH, Pairs, steps
from suites.always_one.training import Siamese, train
from suites.always_one.verification import verify
from suites.plugin.findings import Asking
from suites.records.finding import Key, Training, key
from suites.survey import Survey
from tests.checkout import Checkout
from tests.runs import head, save

pytest_plugins = ["pytester"]

SUITES = Path(__file__).parent.parent / "suites"
FLOOR = -math.log(1 / (1 + math.exp(-1)))
ONES, NONES = torch.ones(4), torch.zeros(4)


def pairs_of(loop: str, count: int, **changes: str) -> list[Pairs]:
    images, _ = split(0)
    return list(islice(steps(replace(LOOPS[loop], **changes), images, torch.Generator().manual_seed(0)), count))


# What the guide misses


@given(st.integers(0, 2**31), st.floats(1e-3, 1e3), st.lists(st.booleans(), min_size=4, max_size=4))
def test_the_loss_of_the_guide_has_a_floor(seed: int, scale: float, alike: list[bool]) -> None:
    x, y = scale * torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(seed))
    squashed = torch.sigmoid(F.cosine_similarity(x, y))
    assert (squashed.min() > 0.2689) & (squashed.max() < 0.7311)
    assert sigmoid(x, y, torch.tensor(alike).float()) >= FLOOR - 1e-6


def test_perfectly_separated_pairs_reach_the_floor() -> None:
    x = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    assert sigmoid(x, x, ONES).item() == pytest.approx(FLOOR, abs=1e-6)
    assert sigmoid(x, -x, NONES).item() == pytest.approx(FLOOR, abs=1e-6)
    assert sigmoid(x, x, NONES).item() == pytest.approx(1 + FLOOR, abs=1e-6)
    assert LOSSES["scaled_logits"](x, x, ONES).item() < 0.01


def test_the_first_step_compares_images_with_themselves_and_teaches_nothing() -> None:
    siamese = Siamese(AS_WRITTEN, 0)
    (first,) = pairs_of("as_written", 1)
    assert first.first is first.second
    vector1, vector2, loss = siamese.gradients(first)
    assert vector1 is vector2
    assert loss.item() == pytest.approx(FLOOR, abs=1e-6)
    for weight in siamese.network.parameters():
        assert weight.grad is not None
        assert weight.grad.abs().max() < 1e-6


def test_detach_does_not_make_the_next_step_compare_a_vector_with_itself() -> None:
    siamese = Siamese(AS_WRITTEN, 0)
    first, second = pairs_of("as_written", 2)
    before = siamese.gradients(first)[0].detach()
    siamese.step(first)
    vector1, vector2, _ = siamese.gradients(second)
    assert vector1.untyped_storage().data_ptr() != vector2.untyped_storage().data_ptr()
    assert torch.equal(vector2, before), "vector2 must be that of the previous images"
    assert not torch.allclose(vector1, vector2, atol=1e-2)
    assert (F.cosine_similarity(vector1, vector2) < 1 - 1e-4).float().mean() > 0.9


def test_a_vector_that_is_detached_takes_no_gradient_and_one_that_is_fresh_does() -> None:
    _, second = pairs_of("correct_code", 2)
    for name, takes in (("fresh", True), ("detached", False), ("carried", False)):
        _, vector2, _ = Siamese(replace(CORRECT_CODE, second=name), 0).gradients(second)
        assert vector2.requires_grad is takes, name


# The loop


def test_each_batch_is_compared_with_the_previous_one() -> None:
    for loop, first_is_itself in (("as_written", True), ("correct_code", False)):
        seen = pairs_of(loop, 30)  # more than an epoch
        assert (seen[0].first is seen[0].second) is first_is_itself
        assert all(after.second is before.first for before, after in pairwise(seen))


def test_random_pairs_are_alike_by_chance_and_balanced_ones_by_half() -> None:
    positive = torch.stack([pairs.positive for pairs in pairs_of("correct_code", 40, pairs="random")])
    assert 0.05 < positive.mean() < 0.15
    positive = torch.stack([pairs.positive for pairs in pairs_of("correct_code", 40, pairs="balanced")])
    assert (positive.sum(1) == BATCH // 2).all()
    assert 0.2 < positive[:, 0].mean() < 0.8, "the first pair is alike or unlike"
    classes = torch.stack([pairs.second.classes for pairs in pairs_of("correct_code", 40, pairs="balanced")])
    assert classes.flatten().bincount().min() > 0.7 * classes.numel() / 10, "every class takes part"


def test_one_label_is_that_of_the_first_pair() -> None:
    pairs = pairs_of("correct_code", 1, pairs="balanced")[0]
    for own in (True, False):
        siamese = Siamese(replace(CORRECT_CODE, own_labels=own), 0)
        vector1, vector2, loss = siamese.gradients(pairs)
        labels = pairs.positive if own else torch.full_like(pairs.positive, float(pairs.positive[0]))
        assert loss.item() == pytest.approx(LOSSES["scaled_logits"](vector1, vector2, labels).item(), rel=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_each_loss_is_lower_for_right_labels(name: str) -> None:
    x = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    assert LOSSES[name](x, x + 0.01, ONES) < LOSSES[name](x, x + 0.01, NONES)
    assert LOSSES[name](x, -x, NONES) < LOSSES[name](x, -x, ONES)


def test_the_contrastive_loss_lets_go_of_unlike_pairs_at_60_degrees() -> None:
    x = torch.tensor([[1.0, 0.0]])
    for degrees, unlike in ((0, 1.0), (30, (1 - 2 * math.sin(math.radians(15))) ** 2), (61, 0.0), (180, 0.0)):
        y = 3 * torch.tensor([[math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]])
        assert LOSSES["contrastive"](x, y, torch.zeros(1)).item() == pytest.approx(unlike, abs=1e-4)


def test_images_are_split_normalised_and_shifted() -> None:
    images, held_out = split(0, "float64", normalised=True)
    assert (len(images), len(held_out)) == (1437, 360)
    assert images.pixels.dtype == torch.float64
    assert float(images.pixels.mean()) == pytest.approx(0, abs=1e-9)
    assert float(images.pixels.std()) == pytest.approx(1, abs=1e-9)
    assert not torch.equal(split(1)[1].classes, split(0)[1].classes)
    plain = split(0)[0][:50]
    moved = shifted(plain, torch.Generator().manual_seed(0)).pixels
    inside, padded = moved[:, 0, 1:-1, 1:-1], F.pad(plain.pixels, (1, 1, 1, 1))[:, 0]
    places = [(down, right) for down in range(3) for right in range(3)]
    same = torch.stack([(inside == padded[:, 1 + d : 7 + d, 1 + r : 7 + r]).all((1, 2)) for d, r in places])
    assert same.any(0).all()
    assert same.any(1).all(), "every shift occurs"


def test_every_change_is_tried_on_the_loops_that_it_changes_only() -> None:
    asked = {name: [change.name for change in changes(loop)] for name, loop in LOOPS.items()}
    assert {change.name for change in CHANGES} == {*asked["as_written"], *asked["correct_code"]}
    for change in CHANGES:
        only = [name for name in LOOPS if change.name in asked[name]]
        if change.advice in ("repair", "fault"):
            assert only == ["as_written" if change.advice == "repair" else "correct_code"]
    mended = AS_WRITTEN
    for change in CHANGES:
        mended = change.apply(mended) if change.advice == "repair" and change.name != "detached_vectors" else mended
    assert replace(mended, loss="scaled_logits") == CORRECT_CODE


# Findings


def test_vectors_that_separate_classes_have_an_auc_of_1() -> None:
    classes = torch.arange(4).repeat(5)
    found = verify(F.one_hot(classes).float(), classes)
    assert (found.auc, found.alike, found.unlike, found.zeros) == (1.0, 1.0, 0.0, 0.0)
    assert found.effective_rank == pytest.approx(3), "four directions less their mean"


def test_equal_vectors_have_rank_0_and_an_auc_of_a_half() -> None:
    classes = torch.arange(4).repeat(5)
    for value in (0.0, 0.3):
        found = verify(torch.full((20, 7), value), classes)
        assert (found.auc, found.effective_rank) == (0.5, 0.0)
        assert found.zeros == (value == 0)
        assert found.unlike == pytest.approx(float(value > 0))


def test_a_loop_is_repeatable_and_leaves_torch_as_it_was() -> None:
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    images, _ = split(0)
    loop = replace(CORRECT_CODE, steps=4, shifted=True, l1=1e-4, pairs="balanced")
    one, other = (train(loop, images, seed=0, now=iter(np.arange(0.0, 99, 0.5)).__next__) for _ in range(2))
    assert one.steps == other.steps
    assert len(one.steps) == 4
    assert (one.step_s, one.peak_bytes) == (0.5, other.peak_bytes)
    assert one.peak_bytes
    assert one.peak_bytes > 10 * BATCH * 64 * 4, "at least the feature maps of the first block"
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_correct_code_learns_and_a_vector_carried_over_collapses() -> None:
    carried = next(change for change in CHANGES if change.name == "carried_vectors")
    right, wrong = trained("correct_code", NO_CHANGE, 0), trained("correct_code", carried, 0)
    assert (right.auc or 0) > (wrong.auc or 1) + 0.05
    assert (right.unlike or 1) < 0.5
    assert (wrong.unlike or 0) > 0.99
    assert (right.effective_rank or 0) > 2 * (wrong.effective_rank or 99)


def test_a_loop_that_diverges_is_wrong_and_has_no_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UNTRAINED, "nan", lambda seed: torch.nn.Threshold(2.0, math.nan))
    found = untrained("nan", 0)
    assert (found.status, found.auc) == (Status.WRONG, None)
    assert "not finite" in found.reason


def test_findings_have_the_requested_keys() -> None:
    asked = dict(makers())
    assert len(asked) == len(list(makers()))
    raw_pixels = Key("always_one", name="no_training-raw_pixels-3")
    for wanted in (raw_pixels, Key("always_one", name="correct_code-l2-0")):
        assert wanted in asked
    found = asked[raw_pixels]()
    assert key(found) == raw_pixels
    assert found.auc is not None
    assert 0.8 < found.auc < 0.9
    assert key(replace(found, loop="as_written", change="")) == Key("always_one", name="as_written-3")


def test_it_runs_by_its_name_and_is_saved(pytester: pytest.Pytester) -> None:
    checkout = Checkout.copy(pytester)
    ran = checkout.run("suites/test_always_one.py", "-k", "raw_pixels", "--benchmark-save=a")
    ran.assert_outcomes(passed=8, deselected=len(dict(makers())) - 8)
    found = load_always_one(str(checkout.file("a")))
    assert list(found["seed"]) == list(range(8))


def test_it_is_left_out_of_its_folder() -> None:
    asking = Asking(cast(Survey, SimpleNamespace(wanted=True)))
    left_out = [path.name for path in SUITES.glob("test_*.py") if asking.pytest_ignore_collect(path)]
    assert left_out == ["test_always_one.py"]


# The report


def training(loop: str, change: str, seed: int, auc: float | None, **known: float | str) -> Training:
    numbers: Mapping[str, float] = {} if auc is None else {"auc": auc, "unlike": 0.5, "alike": 0.9, "zeros": 0.0}
    status = {"status": Status.WRONG, "reason": "it diverged"} if auc is None else {"status": Status.OK}
    rank = {} if auc is None else {"effective_rank": 9.0, "lowest_loss": 0.3133, "first_cosine": 1.0}
    step = {"step_s": 1e-3, "peak_bytes": 1000, "second_cosine": 0.99}
    return Training(loop=loop, change=change, seed=seed, **{**status, **numbers, **rank, **step, **known})  # type: ignore[arg-type]


def seen(tmp_path: Path, *found: Training) -> pd.DataFrame:
    save(tmp_path, *found, run=head("t"))
    return load_always_one("t", tmp_path)


def made(change: str, worth: Iterable[float], loop: str = "as_written", **known: float | str) -> list[Training]:
    """Trainings with an AUC of about 0.6, and a change that adds `worth` to it, one value per seed."""
    return [training(loop, change, seed, 0.6 + 0.03 * seed + each, **known) for seed, each in enumerate(worth)]


def test_the_effect_of_a_change_is_given_by_seed(tmp_path: Path) -> None:
    found = seen(
        tmp_path,
        *made("", [0.0] * 6),
        *made("good", [0.1, 0.11, 0.09, 0.1, 0.12, 0.1], step_s=2e-3, peak_bytes=3000),
        *made("bad", [-0.1, -0.11, -0.09, -0.1, -0.12, -0.1]),
        *made("idle", [0.001, -0.001, 0.0, 0.002, -0.002, 0.0]),
        *made("equal", [0.0] * 6),
        *made("wild", [0.1, -0.2, 0.3, -0.1, 0.1, -0.1]),
        *made("slight", [0.004, 0.005, 0.006, 0.004, 0.005, 0.006]),
    )
    rows = effects(found).set_index("change")
    told = {"good": HELPS, "bad": HURTS, "idle": SAME, "equal": SAME, "wild": UNCLEAR, "slight": SAME}
    assert rows["verdict"].to_dict() == told
    assert rows.loc["good", "difference"] == pytest.approx(0.62 / 6)
    assert tuple(rows.loc["good", ["time", "memory"]]) == (2, 3)
    assert rows.loc["equal", ["low", "high"]].abs().max() < 1e-12
    own = outcomes(found).set_index("change").loc[""]
    assert own["auc"] == pytest.approx(0.675)
    assert own["auc_high"] - own["auc"] == pytest.approx(2.571 * 0.03 * math.sqrt(3.5) / math.sqrt(6), rel=1e-3)


def test_intervals_exclude_0_where_the_false_discovery_rate_allows_it(tmp_path: Path) -> None:
    draws = np.random.default_rng(0).normal(0, 0.05, (40, 8))
    nothing = [made(f"change{n}", worth) for n, worth in enumerate(draws)]
    rows = effects(seen(tmp_path, *made("", [0.0] * 8), *(each for many in nothing for each in many)))
    assert rows["confidence"].iloc[0] == pytest.approx(1 - 0.05 / 40)
    assert not ((rows["low"] > 0) | (rows["high"] < 0)).any()
    (tmp_path / "b").mkdir()
    many = [made(f"change{n}", worth + 0.2 * (n < 20)) for n, worth in enumerate(draws)]
    rows = effects(seen(tmp_path / "b", *made("", [0.0] * 8), *(each for some in many for each in some)))
    found = ((rows["low"] > 0) | (rows["high"] < 0)).sum()
    assert found >= 20
    assert rows["confidence"].iloc[0] == pytest.approx(1 - 0.05 * found / 40)


def test_a_loop_that_diverged_or_one_seed_gives_no_difference(tmp_path: Path) -> None:
    rows = effects(
        seen(
            tmp_path,
            *made("", [0.0] * 3),
            *[training("as_written", "off", seed, None) for seed in range(3)],
            *made("once", [0.1]),
        )
    )
    assert rows["low"].isna().all()
    assert list(rows["verdict"]) == ["", ""]


def page(tmp_path: Path, *found: Training) -> str:
    save(tmp_path, *found, run=head("t"))
    return render("t", root=tmp_path, out=tmp_path / "out").read_text()


def test_the_page_says_which_advice_helps_and_which_does_not(tmp_path: Path) -> None:
    worth = [0.1, 0.11, 0.09, 0.1, 0.12, 0.1]
    faults = [made(name, [-each for each in worth], "correct_code", advice="fault") for name in ("carried_vectors",)]
    text = page(
        tmp_path,
        *made("untrained_network", [0.05] * 6, "no_training"),
        *made("", [0.0] * 6),
        *made("balanced_pairs", worth, advice="pairs"),
        *made("l2", [0.001, -0.001, 0.0, 0.002, -0.002, 0.0], advice="regularisation", unlike=0.995),
        *made("fresh_vectors", [-each for each in worth], advice="repair", zeros=0.9, unlike=0.0),
        *made("", [0.3] * 6, "correct_code"),
        *(each for many in faults for each in many),
        *made("detached_vectors", [0.301, 0.3, 0.299] * 2, "correct_code", advice="detach"),
    )
    assert "No speed was measured. The effect of each piece of advice on a Siamese training loop is below." in text
    assert "48 trainings" in text
    for said in (
        "above 0.99) in the loop as written with 1 of 3 single changes: `l2`.",
        "ends at AUC 0.975 (0.916 to 1.000), mean cosine of unlike pairs 0.500, effective rank 9.0; "
        "against the loop as written: +0.300 (",
        "**The loop as written with one piece of advice**, difference in AUC: *helps*: `balanced_pairs` +0.103 (",
        "*no difference*: `l2`.",
        "**The loop as written with one repair**, difference in AUC: *hurts*: `fresh_vectors` -0.103 (",
        "**Correct code with one fault put back**, difference in AUC: *hurts*: `carried_vectors` -0.403 (",
        "**A low cosine is no cure.** In 1 of 8 loops most vectors end up all zero",
        "is 1.0000 in step 0, where `image2 = image1`, and 0.9900 in step 1",
        "lies in [0.269, 0.731], so its BCE is at least 0.3133 for any pair. The lowest loss seen is 0.3133",
        "Their intervals are Student's t at",
        "![effect of each change alone",
    ):
        assert said in text, said
    assert (tmp_path / "out" / "t" / "always_one.png").exists()
    assert len(pd.read_csv(tmp_path / "out" / "t" / "always_one.csv")) == 48


def test_a_part_of_the_loops_is_a_page_and_names_are_no_markup(tmp_path: Path) -> None:
    nasty = "a|b`c` <img src=x>"
    text = page(tmp_path, *made("", [0.0], nasty), *made(nasty, [0.1], nasty, what=nasty, advice=nasty))
    assert "<img" not in text
    assert "Why is my cosine similarity always 1?" in text
    assert "Student's t" not in text, "one seed shows no difference"
    (tmp_path / "b").mkdir()
    assert "always 1" not in page(tmp_path / "b")
