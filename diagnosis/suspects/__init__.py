"""The suspects, upstream first: of two that explain one symptom, the first in the list is named.

A cause can have several detectors. Each line says why it has its place.
"""

from diagnosis.suspects import (
    batch,
    carried,
    code,
    data,
    geometry,
    head,
    network,
    normalisation,
    numerics,
    objective,
    padding,
    preprocessing,
    training,
    weights,
)
from diagnosis.suspects.suspect import Suspect

SUSPECTS: tuple[Suspect, ...] = (
    # The comparison: if other vectors are compared than were meant, nothing further down counts.
    Suspect("size_one_dim", code.size_one_dim),  # no vectors, but one number each
    Suspect("wrong_dim", code.wrong_dim),  # vectors, but other ones
    Suspect("same_tensor", code.same_tensor),  # the right vectors, each with itself
    Suspect("shared_storage", code.shared_storage),  # the same through two names
    Suspect("carried_over", carried.carried_over),  # not the same memory, but an earlier x
    Suspect("carried_over", carried.never_rewritten),  # a copy of x; only the inputs show that the sample differs
    Suspect("carried_over", carried.kept_from_before),  # no copy, but computed from the inputs of x
    Suspect("scaled_copies", code.scaled_copies),  # copies up to their length
    # The data: a model can't separate inputs that are equal.
    Suspect("same_sample_twice", data.same_sample_twice),  # the pairs are drawn before any input is made
    Suspect("constant_inputs", data.constant_inputs),  # one input for all: padding and scale don't matter then
    Suspect("batch_leak", batch.batch_leak),  # rows see each other: what one input holds doesn't matter then
    Suspect("padding_dominates", padding.padding_dominates),  # inputs differ in a few tokens
    Suspect("padding_dominates", padding.padding_around),  # inputs differ in a few pixels
    Suspect("over_normalised_inputs", preprocessing.over_normalised_inputs),  # inputs differ everywhere, by too little
    Suspect("over_normalised_inputs", preprocessing.normalised_by_the_model_too),  # by enough, until the model takes it
    Suspect("channel_or_range_mismatch", preprocessing.channel_or_range_mismatch),  # by enough, in an unknown form
    # The model as it is built and loaded: no training mends it.
    Suspect("cached_buffer", network.cached_buffer),  # the output is of another call: layers don't matter then
    Suspect("layernorm_size_one", normalisation.layernorm_size_one),  # a layer that erases any input
    Suspect("weights_not_loaded", weights.other_weights),  # running statistics are among the weights: first load them
    Suspect("batchnorm_misuse", normalisation.batchnorm_misuse),  # the right weights in the wrong mode
    # The objective: it makes the faults that training leaves, and would make them again.
    Suspect("label_convention", objective.label_convention),  # labels say what the loss is to do
    Suspect("squashed_similarity", objective.squashed_similarity),  # the right aim, out of reach
    Suspect("no_negatives", training.no_negatives),  # within reach, but nothing pushes pairs apart
    Suspect("learning_rate_too_high", training.learning_rate_too_high),  # a sound objective, missed by the step size
    # What training leaves in the model, the most specific first.
    Suspect("dead_units", network.dead_units),  # units lie before the head
    Suspect("saturated_head", network.saturated_head),  # its input differs, its output does not
    Suspect("bias_dominates", network.bias_dominates),  # without a function at the end, the bias hides the input
    Suspect("weights_not_loaded", weights.untrained_weights),  # weights as drawn: all faults above can be built in
    Suspect("training_collapse", training.training_collapse),  # new weights undo any of the above: last
    # The range of numbers: cosines are wrong wherever the vectors lie.
    Suspect("overflow", numerics.overflow),  # one infinity spoils every mean below
    Suspect("underflow_or_eps", numerics.underflow_or_eps),  # short rows spoil their own cosines only
    # The geometry, from vectors alone: most of these have a long mean, so the one with the clearest mark comes first.
    Suspect("duplicate_rows", geometry.duplicate_rows),  # copies count in every figure below
    Suspect("saturated_head", head.squashed_range),  # entries within the range of a function
    Suspect("dead_units", head.dead_dimensions),  # most dimensions are 0
    Suspect("rogue_dimension", head.rogue_dimension),  # a few large dimensions: dead ones also make the rest look large
    Suspect("positive_only", head.positive_only),  # no negative entry: a rogue dimension can be positive too
    Suspect("learning_rate_too_high", training.embeddings_of_a_high_rate),  # one point, and a rate that explains it
    Suspect("training_collapse", geometry.one_point),  # no mark on the entries, and nearly nothing but the mean
    Suspect("common_offset", geometry.common_offset),  # any other long mean
    Suspect("rank_collapse", geometry.rank_collapse),  # what is left without a mean
    # Single rows and last digits: they explain what nothing above does.
    Suspect("nan_or_zero_rows", numerics.nan_or_zero_rows),  # overflow and underflow make such rows: after them
    Suspect("low_precision_ties", numerics.low_precision_ties),  # similar rows have ties for any reason: last
)
