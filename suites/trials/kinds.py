"""Random rows that provoke rounding errors."""

import math
from collections.abc import Callable

import torch

Pair = tuple[torch.Tensor, torch.Tensor]


class RandomRows:
    """Draws pairs `[count, length]` of a dtype; each method is a kind of rows.

    Numbers are drawn in float32, or in float64 for float64, and then rounded to the dtype.
    """

    def __init__(self, count: int, length: int, dtype: torch.dtype, seed: int) -> None:
        self.count, self.length, self.dtype = count, length, dtype
        self._wide = torch.float64 if dtype == torch.float64 else torch.float32
        self._generator = torch.Generator().manual_seed(seed)

    def prescribed(self) -> Pair:
        """Cosines uniform over [-1, 1]."""
        x, away = self._normal(), self._normal()
        away -= (away * x).sum(1, keepdim=True) / (x * x).sum(1, keepdim=True) * x
        c = self._uniform(-1, 1)
        ratio = x.norm(dim=1, keepdim=True) / away.norm(dim=1, keepdim=True).clamp_min(1e-30)  # 0 where length is 1
        return self._rounded(x, c * x + (1 - c * c).sqrt() * ratio * away)

    def near(self) -> Pair:
        """Nearly parallel rows, with a relative difference of 10^-1 to 10^-8."""
        x = self._normal()
        return self._rounded(x, x + 10 ** self._uniform(-8, -1) * self._normal())

    def multiple(self) -> Pair:
        """y is a rounded multiple of x."""
        x = self._normal()
        return self._rounded(x, self._uniform(0.6, 1.3) * x)

    def positive(self) -> Pair:
        """Positive numbers, so that sums only grow."""
        return self._rounded(self._normal().abs(), self._normal().abs())

    def constant(self) -> Pair:
        """One number repeated in x and another in y, so that every addition rounds the same way."""
        return self._rounded(*(self._uniform(0.5, 1).expand(-1, self.length) for _ in "xy"))

    def huge_first(self) -> Pair:
        """A few ones, then numbers whose squares are about half a unit in the last place of the sum."""
        heads = 2 ** torch.randint(0, 8, (self.count, 1), generator=self._generator)
        head = torch.arange(self.length) < heads
        half = torch.finfo(self._wide).eps ** 0.5 / 2**0.5
        return self._rounded(*(torch.where(head, 1.0, half * self._uniform(0.9, 1.1)) for _ in "xy"))

    def ladder(self) -> Pair:
        """Nearly parallel rows of falling powers of two, so that each addition rounds at another bit."""
        last = torch.finfo(self._wide).eps ** 0.5
        steps = last ** torch.linspace(0, 1, self.length, dtype=self._wide)
        powers = torch.exp2(torch.log2(steps).round())
        return self._rounded(*(powers * (1 + 0.1 * self._random()) for _ in "xy"))

    def any_norm(self) -> Pair:
        """`prescribed`, with each row at its own scale within the dtype's range, down to subnormal numbers."""
        info = torch.finfo(self.dtype)
        lowest, highest = math.log2(info.smallest_normal) - 8, math.log2(info.max) - 8
        x, y = self.prescribed()
        return self._rounded(*(t * 2 ** self._uniform(lowest, highest).round() for t in (x, y)))

    def any_exponent(self) -> Pair:
        """Random bits as float32, so that every exponent occurs; NaN and infinities become ±1."""
        bits = (
            torch.randint(-(2**31), 2**31, (self.count, self.length), dtype=torch.int32, generator=self._generator)
            for _ in "xy"
        )
        x, y = self._rounded(*(t.view(torch.float32) for t in bits))
        return x.nan_to_num(1.0, 1.0, -1.0), y.nan_to_num(1.0, 1.0, -1.0)

    def _normal(self) -> torch.Tensor:
        return torch.randn(self.count, self.length, dtype=self._wide, generator=self._generator)

    def _random(self) -> torch.Tensor:
        return torch.rand(self.count, self.length, dtype=self._wide, generator=self._generator)

    def _uniform(self, low: float, high: float) -> torch.Tensor:
        """One number per row, `[count, 1]`."""
        return low + (high - low) * torch.rand(self.count, 1, dtype=self._wide, generator=self._generator)

    def _rounded(self, x: torch.Tensor, y: torch.Tensor) -> Pair:
        return x.to(self.dtype).contiguous(), y.to(self.dtype).contiguous()


Kind = Callable[[RandomRows], Pair]
IN_RANGE: dict[str, Kind] = {
    kind.__name__: kind
    for kind in (
        RandomRows.prescribed,
        RandomRows.near,
        RandomRows.multiple,
        RandomRows.positive,
        RandomRows.constant,
        RandomRows.huge_first,
        RandomRows.ladder,
    )
}
"""Kinds without overflow or underflow of sums, up to 2^15 numbers in float16, as the bounds require."""

KINDS: dict[str, Kind] = IN_RANGE | {kind.__name__: kind for kind in (RandomRows.any_norm, RandomRows.any_exponent)}
"""All kinds."""
