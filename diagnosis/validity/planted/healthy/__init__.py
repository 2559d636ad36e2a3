"""Healthy sets, including hard ones; any cause that is named here is a false alarm."""

from diagnosis.validity.planted.healthy import embeddings, networks, pairs, positive

HEALTHY = embeddings.PLANTS + positive.PLANTS + pairs.PLANTS + networks.PLANTS
