"""The handwritten digits that ship with scikit-learn, with a split for each seed."""

import functools
from dataclasses import dataclass

import torch

TRAINED_ON = 1437
"""Training images, of 1797; the others are held out."""


@dataclass(frozen=True)
class Images:
    """Grey values `[N, 1, 8, 8]`, from 0 to 1 unless normalised, and classes `[N]` from 0 to 9."""

    pixels: torch.Tensor
    classes: torch.Tensor

    def __getitem__(self, rows: torch.Tensor | slice) -> "Images":
        return Images(self.pixels[rows], self.classes[rows])

    def __len__(self) -> int:
        return len(self.classes)


def split(seed: int, dtype: str = "float32", *, normalised: bool = False) -> tuple[Images, Images]:
    """Training images and held-out images, the same for the same seed."""
    digits = _digits()
    order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(seed))
    pixels = digits.pixels.to(getattr(torch, dtype))
    if normalised:
        seen = pixels[order[:TRAINED_ON]]
        pixels = (pixels - seen.mean()) / seen.std()
    shuffled = Images(pixels, digits.classes)[order]
    return shuffled[:TRAINED_ON], shuffled[TRAINED_ON:]


def shifted(images: Images, generator: torch.Generator) -> Images:
    """Each image moved at random by up to a pixel each way; the border is filled with the background."""
    _, _, height, width = images.pixels.shape
    padded = torch.nn.functional.pad(images.pixels, (1, 1, 1, 1), value=float(images.pixels.min()))
    windows = padded[:, 0].unfold(1, height, 1).unfold(2, width, 1)
    rows, down, right = torch.arange(len(images)), *torch.randint(3, (2, len(images)), generator=generator)
    return Images(windows[rows, down, right][:, None], images.classes)


@functools.cache
def _digits() -> Images:
    from sklearn.datasets import load_digits  # type: ignore[import-untyped]  # two seconds to import

    digits = load_digits()
    return Images(torch.from_numpy(digits.images[:, None] / 16), torch.from_numpy(digits.target))
