"""Healthy sets, hard ones among them: a good diagnosis has nothing to say about any of them."""

from diagnosis.validity.planted.healthy import embeddings, networks, pairs, positive

HEALTHY = embeddings.PLANTS + positive.PLANTS + pairs.PLANTS + networks.PLANTS
