"""Does the engine name the causes that probes confirm: upstream first, two if needed, none without an effect?"""

from collections.abc import Callable

import pytest
import torch

from diagnosis.examine import examine
from diagnosis.probes.vectors import centred, each_side
from diagnosis.remedies import REMEDIES
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects import SUSPECTS
from diagnosis.suspects.suspect import Clue, Suspect
from diagnosis.verdict import Diagnosis

UPSTREAM, DOWNSTREAM = "wrong_dim", "overflow"
Repair = Callable[[Subject], Subject]


def offset() -> Subject:
    """Rows whose cosines are 0.98."""
    return Subject(x=torch.randn(100, 32, generator=torch.Generator().manual_seed(0)) + 8)


def suspect(name: str, confidence: float, repair: Repair | None = None) -> Suspect:
    """A suspect with a clue in every subject that is not centred."""

    def look(subject: Subject, signature: Signature) -> Clue | None:
        change = None if repair is None else lambda: repair(subject)
        return (
            Clue(confidence=confidence, evidence={}, change=name, repair=change) if signature.mean_share > 0.1 else None
        )

    return Suspect(name, look)


def useless(subject: Subject) -> Subject:
    return subject


def names(diagnosis: Diagnosis) -> list[str]:
    return [cause.name for cause in diagnosis.causes]


def test_of_two_that_explain_a_symptom_the_upstream_one_is_named_and_the_other_is_not() -> None:
    found = examine(offset(), [suspect(UPSTREAM, 0.5, centred), suspect(DOWNSTREAM, 0.9, centred)])

    assert names(found) == [UPSTREAM]


def test_one_that_is_certain_goes_before_one_that_is_likely() -> None:
    found = examine(offset(), [suspect(UPSTREAM, 0.9, centred), suspect(DOWNSTREAM, 1.0, centred)])

    assert names(found) == [DOWNSTREAM]


def test_the_counterfactual_says_what_was_changed_and_the_symptom_before_and_after() -> None:
    (cause,) = examine(offset(), [suspect(UPSTREAM, 0.8, centred)]).causes

    assert cause.counterfactual is not None
    assert (cause.counterfactual.change, cause.counterfactual.flips) == (UPSTREAM, True)
    assert cause.counterfactual.symptom == "mean cosine of unrelated rows"
    assert cause.counterfactual.before == pytest.approx(0.98, abs=0.01)
    assert cause.counterfactual.after == pytest.approx(0, abs=0.02)
    assert cause.confidence == pytest.approx(0.9)
    assert cause.remedy == REMEDIES[UPSTREAM]


@pytest.mark.parametrize(("confidence", "repair"), [(0.9, useless), (0.9, None), (0.4, centred)])
def test_a_clue_that_is_weak_or_explains_nothing_is_not_named(confidence: float, repair: Repair | None) -> None:
    found = examine(offset(), [suspect(UPSTREAM, confidence, repair)])

    assert (found.verdict, found.causes) == ("unknown", ())


@pytest.mark.parametrize("repair", [useless, None])
def test_a_fault_that_is_certain_is_named_though_it_explains_nothing(repair: Repair | None) -> None:
    (cause,) = examine(offset(), [suspect(UPSTREAM, 1.0, repair)]).causes

    assert cause.name == UPSTREAM
    assert cause.counterfactual is None or not cause.counterfactual.flips


def test_a_fault_that_is_certain_and_stays_is_named_after_the_one_that_explains_the_symptom() -> None:
    def stays(subject: Subject, signature: Signature) -> Clue:
        return Clue(confidence=1.0, evidence={}, change="mend", repair=lambda: subject)

    standing = Suspect(DOWNSTREAM, stays)
    explained = suspect("nan_or_zero_rows", 1.0, useless)  # gone once the rows are centred

    assert names(examine(offset(), [standing, explained, suspect(UPSTREAM, 0.8, centred)])) == [UPSTREAM, DOWNSTREAM]


def test_two_that_take_the_symptom_away_only_together_are_both_named() -> None:
    def half(first: bool) -> Repair:
        mask = (torch.arange(32) < 16) == first
        return lambda subject: each_side(subject, lambda table: table - table.mean(0) * mask)

    found = examine(offset(), [suspect(UPSTREAM, 0.7, half(True)), suspect(DOWNSTREAM, 0.7, half(False))])

    assert names(found) == [UPSTREAM, DOWNSTREAM]
    assert all(cause.counterfactual and cause.counterfactual.flips for cause in found.causes)


def test_without_a_symptom_a_likely_clue_is_nothing() -> None:
    found = examine(
        centred(offset()), [Suspect(UPSTREAM, lambda subject, signature: Clue(confidence=0.9, evidence={}))]
    )

    assert (found.verdict, found.causes) == ("healthy", ())


UPSTREAM_FIRST = [
    "code.size_one_dim",
    "code.wrong_dim",
    "code.same_tensor",
    "code.shared_storage",
    "carried.carried_over",
    "carried.never_rewritten",
    "carried.kept_from_before",
    "code.scaled_copies",
    "data.same_sample_twice",
    "data.constant_inputs",
    "batch.batch_leak",
    "padding.padding_dominates",
    "padding.padding_around",
    "preprocessing.over_normalised_inputs",
    "preprocessing.normalised_by_the_model_too",
    "preprocessing.channel_or_range_mismatch",
    "network.cached_buffer",
    "normalisation.layernorm_size_one",
    "weights.other_weights",
    "normalisation.batchnorm_misuse",
    "objective.label_convention",
    "objective.squashed_similarity",
    "training.no_negatives",
    "training.learning_rate_too_high",
    "network.dead_units",
    "network.saturated_head",
    "network.bias_dominates",
    "weights.untrained_weights",
    "training.training_collapse",
    "numerics.overflow",
    "numerics.underflow_or_eps",
    "geometry.duplicate_rows",
    "head.squashed_range",
    "head.dead_dimensions",
    "head.rogue_dimension",
    "head.positive_only",
    "training.embeddings_of_a_high_rate",
    "geometry.one_point",
    "geometry.common_offset",
    "geometry.rank_collapse",
    "numerics.nan_or_zero_rows",
    "numerics.low_precision_ties",
]
SEVERAL = {  # detectors whose names differ from their causes
    "never_rewritten": "carried_over",
    "kept_from_before": "carried_over",
    "padding_around": "padding_dominates",
    "normalised_by_the_model_too": "over_normalised_inputs",
    "embeddings_of_a_high_rate": "learning_rate_too_high",
    "other_weights": "weights_not_loaded",
    "untrained_weights": "weights_not_loaded",
    "squashed_range": "saturated_head",
    "dead_dimensions": "dead_units",
    "one_point": "training_collapse",
}


def test_the_order_of_the_suspects_is_the_one_that_the_published_figures_were_made_with() -> None:
    order = [f"{one.look.__module__.rpartition('.')[2]}.{one.look.__name__}" for one in SUSPECTS]
    detectors = [name.partition(".")[2] for name in order]

    assert order == UPSTREAM_FIRST
    assert [one.name for one in SUSPECTS] == [SEVERAL.get(name, name) for name in detectors]


def test_every_suspect_has_a_remedy_and_code_comes_before_geometry_before_numerics() -> None:
    order = [one.name for one in SUSPECTS]

    assert set(order) == set(REMEDIES)
    assert order.index("same_tensor") < order.index("constant_inputs") < order.index("cached_buffer")
    assert order.index("cached_buffer") < order.index("no_negatives") < order.index("common_offset")
    assert order.index("overflow") < order.index("common_offset") < order.index("low_precision_ties")
