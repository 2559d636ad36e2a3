"""Subjects with a planted cause, to test the diagnosis on."""

from diagnosis.validity.planted import batches, code, data, geometry, network, numerics, objective, preprocessing

PLANTS = (
    *(code.PLANTS + data.PLANTS + preprocessing.PLANTS + batches.PLANTS + network.PLANTS),
    *(objective.PLANTS + geometry.PLANTS + numerics.PLANTS),
)
"""Every cause that can be named, upstream first."""
