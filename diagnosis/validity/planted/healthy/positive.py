"""Healthy embeddings without negative numbers, such as counts and amounts."""

import functools

import numpy as np
import torch
from torch import Generator, Tensor

from diagnosis.validity.planted.healthy.embeddings import alone
from diagnosis.validity.planted.plant import Plant, Size
from diagnosis.validity.planted.sources import choice, digits, features, normal, some_digits, uniform


def relu(size: Size, generator: Generator) -> Tensor:
    """Real features after a ReLU, or after a random layer between two ReLUs: cosines up to about 0.8."""
    x = features(size, generator)[0].relu()
    return (x @ normal(size.columns, size.columns, generator)).relu() if choice(0, 1, generator) else x


def counts(size: Size, generator: Generator) -> Tensor:
    """Word counts of documents with a few topics each."""
    random = np.random.default_rng(choice(0, 2**31, generator))
    words = random.dirichlet(np.full(size.columns, 0.1), 12)
    mixtures = random.dirichlet(np.full(12, 0.1), size.rows)
    found = random.poisson(mixtures @ words * random.uniform(50, 300, (size.rows, 1)))
    found[np.arange(size.rows), found.argmax(1)] += 1  # no document is empty
    return torch.from_numpy(found).float()


def tf_idf(size: Size, generator: Generator) -> Tensor:
    """The same counts, with frequent words weighted down."""
    from sklearn.feature_extraction.text import TfidfTransformer  # type: ignore[import-untyped]  # slow to import

    weighed = TfidfTransformer().fit_transform(counts(size, generator).numpy())
    return torch.from_numpy(weighed.toarray()).float()


def topic_shares(size: Size, generator: Generator) -> Tensor:
    """Shares of topics, which add up to 1."""
    random = np.random.default_rng(choice(0, 2**31, generator))
    return torch.from_numpy(random.dirichlet(np.full(size.columns, random.uniform(0.1, 0.6)), size.rows)).float()


def multi_hot(size: Size, generator: Generator) -> Tensor:
    """Binary attributes, some of them common."""
    shares = torch.rand(size.columns, generator=generator) * uniform(0.1, 0.4, generator)
    x = (torch.rand(size.rows, size.columns, generator=generator) < shares).float()
    x[torch.arange(size.rows), torch.randint(size.columns, (size.rows,), generator=generator)] = 1  # no empty row
    return x


def factors(size: Size, generator: Generator) -> Tensor:
    """Digits as sums of the parts that non-negative matrix factorisation finds."""
    x = _factors(min(size.columns, 32))
    return x[torch.randperm(len(x), generator=generator)[: size.rows]]


@functools.cache
def _factors(parts: int) -> Tensor:
    from sklearn.decomposition import NMF  # type: ignore[import-untyped]  # slow to import

    nmf = NMF(parts, init="nndsvda", tol=1e-2, max_iter=1000, random_state=0)
    return torch.from_numpy(nmf.fit_transform(digits()[0].double().numpy())).float()


def pixels(size: Size, generator: Generator) -> Tensor:
    """Raw pixels of digits: cosines about 0.7."""
    return some_digits(size.rows, generator)[0]


def one_digit(size: Size, generator: Generator) -> Tensor:
    """Images of one digit only: fine-grained, cosines 0.77 to 0.9."""
    images, classes = digits()
    x = images[classes == choice(0, 9, generator)]
    return x[torch.randperm(len(x), generator=generator)[: size.rows]]


PLANTS = (
    Plant("ReLU features", alone(relu)),
    Plant("counted words", alone(counts)),
    Plant("tf-idf", alone(tf_idf)),
    Plant("shares of topics", alone(topic_shares)),
    Plant("multi-hot attributes", alone(multi_hot)),
    Plant("non-negative factors of digits", alone(factors)),
    Plant("pixels of digits", alone(pixels)),
    Plant("pixels of one digit", alone(one_digit)),
)
