"""Rows that bring out rounding errors, in bulk."""

import math
from collections.abc import Callable

import torch

Pair = tuple[torch.Tensor, torch.Tensor]


class Rows:
    """Makes pairs `[count, length]` of a dtype, in float32, or in float64 for float64; a method is a kind of rows."""

    def __init__(self, count: int, length: int, dtype: torch.dtype, seed: int) -> None:
        self.count, self.length, self.dtype = count, length, dtype
        self._wide = torch.float64 if dtype == torch.float64 else torch.float32
        self._generator = torch.Generator().manual_seed(seed)

    def prescribed(self) -> Pair:
        """Cosines spread over [-1, 1]."""
        x, away = self._normal(), self._normal()
        away -= (away * x).sum(1, keepdim=True) / (x * x).sum(1, keepdim=True) * x
        c = self._uniform(-1, 1)
        ratio = x.norm(dim=1, keepdim=True) / away.norm(dim=1, keepdim=True).clamp_min(1e-30)  # 0 where length is 1
        return self._rounded(x, c * x + (1 - c * c).sqrt() * ratio * away)

    def near(self) -> Pair:
        """Nearly parallel: off by 10^-1 to 10^-8."""
        x = self._normal()
        return self._rounded(x, x + 10 ** self._uniform(-8, -1) * self._normal())

    def multiple(self) -> Pair:
        """One is a rounded multiple of the other."""
        x = self._normal()
        return self._rounded(x, self._uniform(0.6, 1.3) * x)

    def positive(self) -> Pair:
        """Positive numbers, whose sums only grow."""
        return self._rounded(self._normal().abs(), self._normal().abs())

    def constant(self) -> Pair:
        """One number over and over, another one in y: each addition rounds alike."""
        return self._rounded(*(self._uniform(0.5, 1).expand(-1, self.length) for _ in "xy"))

    def huge_first(self) -> Pair:
        """A few ones, then numbers whose squares are about half a unit in the last place of their sum."""
        heads = 2 ** torch.randint(0, 8, (self.count, 1), generator=self._generator)
        head = torch.arange(self.length) < heads
        half = torch.finfo(self._wide).eps ** 0.5 / 2**0.5
        return self._rounded(*(torch.where(head, 1.0, half * self._uniform(0.9, 1.1)) for _ in "xy"))

    def ladder(self) -> Pair:
        """Powers of two going down, which rounds each addition at another place, in rows that are nearly parallel."""
        last = torch.finfo(self._wide).eps ** 0.5
        steps = last ** torch.linspace(0, 1, self.length, dtype=self._wide)
        powers = torch.exp2(torch.log2(steps).round())
        return self._rounded(*(powers * (1 + 0.1 * self._random()) for _ in "xy"))

    def any_norm(self) -> Pair:
        """`prescribed`, each row at a scale of its own in the dtype's range, down to the subnormal numbers."""
        info = torch.finfo(self.dtype)
        lowest, highest = math.log2(info.smallest_normal) - 8, math.log2(info.max) - 8
        x, y = self.prescribed()
        return self._rounded(*(t * 2 ** self._uniform(lowest, highest).round() for t in (x, y)))

    def any_exponent(self) -> Pair:
        """Numbers of any exponent that float32 has, side by side, as random bits give them."""
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
        """A number for each row."""
        return low + (high - low) * torch.rand(self.count, 1, dtype=self._wide, generator=self._generator)

    def _rounded(self, x: torch.Tensor, y: torch.Tensor) -> Pair:
        return x.to(self.dtype).contiguous(), y.to(self.dtype).contiguous()


Kind = Callable[[Rows], Pair]
IN_RANGE: dict[str, Kind] = {
    kind.__name__: kind
    for kind in (
        Rows.prescribed,
        Rows.near,
        Rows.multiple,
        Rows.positive,
        Rows.constant,
        Rows.huge_first,
        Rows.ladder,
    )
}
"""Kinds in which no sum over- or underflows, up to 2^15 numbers in float16: what the bounds ask for."""

KINDS: dict[str, Kind] = IN_RANGE | {kind.__name__: kind for kind in (Rows.any_norm, Rows.any_exponent)}
"""All of them."""
