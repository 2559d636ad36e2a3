"""Healthy embeddings alone, or with their classes."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from diagnosis.subject import Subject
from diagnosis.validity.planted.plant import MakeSubject, Plant, Size
from diagnosis.validity.planted.sources import choice, digits, features, measured, normal, some_digits, trained, uniform

Rows = Callable[[Size, Generator], Tensor]
Classed = Callable[[Size, Generator], tuple[Tensor, Tensor]]


def alone(rows: Rows) -> MakeSubject:
    """Embeddings alone."""
    return lambda size, dtype, generator: Subject(x=rows(size, generator).to(dtype))


def classed(rows: Classed) -> MakeSubject:
    """Embeddings, with their classes in half of the cases at random."""

    def make(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
        x, classes = rows(size, generator)
        return Subject(x=x.to(dtype), labels=classes if choice(0, 1, generator) else None)

    return make


def isotropic(size: Size, generator: Generator) -> Tensor:
    """Standard normal."""
    return normal(size.rows, size.columns, generator)


def falling_spectrum(size: Size, generator: Generator) -> Tensor:
    """Variances that fall by a power law along random axes, and a mild common direction: cosines up to 0.35."""
    falling = torch.arange(1, size.columns + 1) ** -uniform(0.2, 0.5, generator)
    axes = torch.linalg.qr(normal(size.columns, size.columns, generator)).Q
    x: Tensor = normal(size.rows, size.columns, generator) * falling @ axes
    direction = F.normalize(normal(1, size.columns, generator))
    length = float(x.norm(dim=1).mean()) * uniform(0, 0.7, generator)
    return x + direction * length


def norms_apart(size: Size, generator: Generator) -> Tensor:
    """Norms that differ by factors of ten to some hundreds, as for rare and frequent words."""
    return isotropic(size, generator) * (normal(size.rows, 1, generator) * uniform(0.5, 1, generator)).exp()


def few_repeated(size: Size, generator: Generator) -> Tensor:
    """Real features with 1 to 4 % of the rows duplicated."""
    x, _ = features(size, generator)
    count = max(1, round(len(x) * uniform(0.01, 0.04, generator)))
    x[:count] = x[-count:]
    return x


def principal_components(size: Size, generator: Generator) -> Tensor:
    """Digits along their principal axes, the largest first, or whitened."""
    from sklearn.decomposition import PCA  # type: ignore[import-untyped]  # slow to import

    images, _ = some_digits(len(digits()[0]), generator)
    pca = PCA(min(size.columns, 40), whiten=bool(choice(0, 1, generator)), svd_solver="full")
    return torch.from_numpy(pca.fit_transform(images.numpy())[: size.rows]).float()


def clusters(size: Size, generator: Generator) -> tuple[Tensor, Tensor]:
    """2 to 16 tight clusters, with cosines of 0.8 to 0.99 within a cluster."""
    count, spread = choice(2, 16, generator), uniform(0.1, 0.5, generator)
    classes = torch.randint(count, (size.rows,), generator=generator)
    centres = normal(count, size.columns, generator)
    return centres[classes] + spread * normal(size.rows, size.columns, generator), classes


def trained_features(size: Size, generator: Generator) -> tuple[Tensor, Tensor]:
    """Digits as a small trained network embeds them."""
    return features(size, generator)


def few_classes(size: Size, generator: Generator) -> tuple[Tensor, Tensor]:
    """Two to four digits, embedded by a network trained on these only, which needs few directions."""
    count = choice(2, 4, generator)
    images, classes = some_digits(len(digits()[0]), generator)
    chosen = (classes < count).nonzero().flatten()[: size.rows]
    with torch.no_grad():
        return trained("layernorm", size.columns, generator, count)(images[chosen]), classes[chosen]


def standardised_columns(size: Size, generator: Generator) -> Tensor:
    """Flowers, wines or tumours, with every column standardised."""
    table = measured(size, generator)
    return (table - table.mean(0)) / table.std(0)


def fine_grained(size: Size, generator: Generator) -> tuple[Tensor, Tensor]:
    """Fine-grained classes: cosines about 0.9, clearly higher within a class."""
    return _of_one_kind(size, generator, shared=uniform(0.85, 0.9, generator), classes=choice(5, 20, generator))


def low_temperature(size: Size, generator: Generator) -> tuple[Tensor, Tensor]:
    """An encoder trained at a low temperature: all cosines within 0.7 to 1, in the right order."""
    return _of_one_kind(size, generator, shared=uniform(0.79, 0.86, generator), classes=choice(8, 32, generator))


def _of_one_kind(size: Size, generator: Generator, *, shared: float, classes: int) -> tuple[Tensor, Tensor]:
    """Unit rows whose cosine is `shared` for two classes, and halfway from there to 1, or more, for one."""
    labels = torch.randint(classes, (size.rows,), generator=generator)
    common, centres = (F.normalize(normal(count, size.columns, generator)) for count in (1, classes))
    within = uniform(0.5, 0.8, generator)
    own = within**0.5 * centres[labels] + (1 - within) ** 0.5 * F.normalize(isotropic(size, generator))
    return F.normalize(shared**0.5 * common + (1 - shared) ** 0.5 * own), labels


def feature_maps(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Feature maps with channels in dim 1, as from a convolution."""
    x, _ = features(size, generator)
    return Subject(x=x.reshape(-1, 4, 4, size.columns).movedim(-1, 1).to(dtype), dim=1)


def tokens(size: Size, dtype: torch.dtype, generator: Generator) -> Subject:
    """Sequences of eight tokens."""
    return Subject(x=falling_spectrum(size, generator).reshape(-1, 8, size.columns).to(dtype))


PLANTS = (
    Plant("isotropic Gaussian", alone(isotropic)),
    Plant("falling spectrum, mild anisotropy", alone(falling_spectrum)),
    Plant("norms far apart", alone(norms_apart)),
    Plant("a few rows twice", alone(few_repeated)),
    Plant("principal components of digits", alone(principal_components)),
    Plant("tight clusters, 2 to 16", classed(clusters)),
    Plant("features of a trained network", classed(trained_features)),
    Plant("two to four classes", classed(few_classes)),
    Plant("standardised columns", alone(standardised_columns)),
    Plant("fine-grained, cosines about 0.9", classed(fine_grained)),
    Plant("low temperature, cosines 0.7 to 1", classed(low_temperature)),
    Plant("feature maps", feature_maps),
    Plant("tokens", tokens),
)
