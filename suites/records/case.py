"""A case: one problem to measure, described by plain values. Torch-free."""

from dataclasses import dataclass

CONTRACT = {
    "paired": "paired",
    "feature_maps": "paired",
    "pairwise": "pairwise",
    "top_k": "top_k",
    "angle": "angle",
}
"""Task to the contract (implementations/contracts.py) of its implementations."""

RANK = {"paired": 2, "feature_maps": 4, "pairwise": 3, "top_k": 3, "angle": 2}
DIM = {"paired": (-1,), "feature_maps": (1, 2, 3), "pairwise": (-1,), "top_k": (-1,), "angle": (-1,)}
ALL_PAIRS = ("pairwise", "top_k")
"""The tasks, and the contracts, that compare each row of x, a query, with each row of y, the corpus."""

MEMORY_FORMATS = ("contiguous", "channels_last")
DIRECTIONS = ("forward", "forward+backward")
CACHES = ("warm", "cold")
INPUTS = ("prescribed", "gaussian", "positive", "offset", "digits")
"""The names of the distributions of suites/inputs."""

FAMILY_NAMES = (
    "prescribed",
    "self",
    "scaled",
    "negated",
    "near",
    "planar",
    "orthogonal",
    "ill_conditioned",
    "long_rows",
    "one_huge",
    "exponents",
    "eps_gap",
    "mixed_scale",
    "zeros",
    "subnormals",
    "subnormals_flushed",
    "non_finite",
    "outlier_dimension",
    "positive",
    "ties",
    "broadcast",
    "size_one_and_empty",
    "layouts",
    "aliasing",
    "mixed_dtypes",
    "eps_extremes",
    "split_k",
    "tf32_canary",
    "gradients",
    "metamorphic",
    "batch_invariance",
    "place",
)
"""The names of the families of suites/families, hard inputs, in the order of reports."""

ROUNDOFFS = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
"""The unit roundoff of each dtype."""

BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One problem: what to compute, on which data, on which device.

    `shape` is `(N, D)` for the tasks "paired" and "angle", `(N, C, H, W)` for "feature_maps" and `(N, M, D)` for
    "pairwise" and "top_k", which compare `[N, D]` with `[M, D]`. `inputs` names the distribution of the data, or the
    user's file. `cache` is "warm" (the same inputs for each call) or "cold". `k` is how many of the M rows of y "top_k"
    finds for each row of x; 0 for the other tasks.

    Raises:
        ValueError: `k` is not possible.
    """

    task: str
    shape: tuple[int, ...]
    dtype: str
    device: str
    memory_format: str = "contiguous"
    direction: str = "forward"
    inputs: str = "prescribed"
    cache: str = "warm"
    k: int = 0

    def __post_init__(self) -> None:
        most = self.shape[1] if self.task == "top_k" else 0
        if type(self.k) is not int or not min(1, most) <= self.k <= most:
            known = f"the corpus has {most} rows: k is from 1 to {most}" if most else f"{self.task!r} takes no k"
            raise ValueError(f"k is {self.k!r}, and {known}")

    @property
    def dim(self) -> int | tuple[int, ...]:
        """The dim or dims to sum over, as an implementation receives them."""
        dims = DIM[self.task]
        return dims[0] if len(dims) == 1 else dims

    @property
    def operand_shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The shapes of x and y."""
        if self.task not in ALL_PAIRS:
            return self.shape, self.shape
        n, m, d = self.shape
        return (n, d), (m, d)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of the result; of the values and of the indices for "top_k"."""
        if self.task == "top_k":
            return (self.shape[0], self.k)
        return self.shape[:2] if self.task == "pairwise" else self.shape[:1]

    @property
    def length(self) -> int:
        """How many products one cosine sums."""
        length = 1
        for size in self.shape[2:] if self.task in ALL_PAIRS else self.shape[1:]:
            length *= size
        return length

    @property
    def input_bytes(self) -> int:
        """The bytes of x and y together."""
        x, y = self.operand_shapes
        return BYTES[self.dtype] * self.length * (x[0] + y[0])

    @property
    def id(self) -> str:
        """A stable name. Parts with their default value are left out, so new axes keep old names."""
        parts = [self.device, self.dtype, "x".join(map(str, self.shape))]
        defaults = {"memory_format": "contiguous", "direction": "forward", "inputs": "prescribed", "cache": "warm"}
        parts += [str(getattr(self, axis)) for axis, usual in defaults.items() if getattr(self, axis) != usual]
        return "-".join(parts + [f"k{self.k}"] * bool(self.k))
