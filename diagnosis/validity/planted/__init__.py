"""Subjects with a planted cause, to test the diagnosis on."""

from diagnosis.validity.planted import code, data, geometry, network, numerics, objective

PLANTS = code.PLANTS + data.PLANTS + network.PLANTS + objective.PLANTS + geometry.PLANTS + numerics.PLANTS
"""Every cause that can be named, upstream first."""
