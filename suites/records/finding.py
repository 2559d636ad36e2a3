"""What came out of the questions that are not about speed: how wrong, under which contract, how fine. Torch-free."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from suites.records.record import Status


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """How far the answers to one family of inputs are from the truth, over the pairs that have a true value.

    `output_dtype` is the coarsest of the answers. Errors are absolute. `ulp_max` is the largest in units in the last
    place of the answers, over the pairs whose |cos| is above 1/2; None where there are none. `lost` counts answers that
    are NaN or infinite where the truth is finite, `nans` and `infs` all that are. `above_one` counts |cos| above 1. It,
    `exactly_one` and `ulp_max` are None where answers are no cosines but angles, differences or gradients. `kendall` is
    Kendall's tau of the answers against the truth, None where the truth has one value only. `bound` is what the
    implementation's stated bound allows at the pair that uses the largest share of it, and `bound_share` that share.
    """

    pairs: int
    output_dtype: str
    error_max: float
    error_rms: float
    error_p999: float
    ulp_max: float | None
    lost: int
    nans: int
    infs: int
    above_one: int | None
    exactly_one: int | None
    distinct: int
    kendall: float | None
    bound: float
    bound_share: float


@dataclass(frozen=True, kw_only=True)
class Examined:
    """An implementation that was asked something in one dtype on one device, and how that went."""

    implementation: str
    baseline: bool
    task: str
    dtype: str
    device: str
    status: Status
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Accuracy(Examined):
    """One implementation on one family of inputs (suites/families)."""

    family: str
    deviation: Deviation | None = None


@dataclass(frozen=True, kw_only=True)
class Contract(Examined):
    """What one implementation answers where cosine similarity is not defined or not representable.

    `answers` maps each question to what was seen, in a few words. `eps_rule` names how small norms are kept from
    dividing by zero, and `eps` at which norm: 0 where there is none.
    """

    eps_rule: str = ""
    eps: float = 0.0
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Resolution(Examined):
    """How fine one implementation's answers are: the smallest angle, in radians, that it tells from 0.

    `distinct` counts the different answers to `pairs` pairs whose cosines are spread evenly over [0.9, 1].
    """

    smallest_angle: float | None = None
    distinct: int | None = None
    pairs: int | None = None


@dataclass(frozen=True, kw_only=True)
class KnownBug:
    """An upstream report, and whether this build still does what it says; `happens` is None if that is not to be seen.

    `name` is the probe's, `issue` is `owner/repository#number`, `package` what was probed, with its version.
    """

    name: str
    issue: str
    package: str
    what: str
    happens: bool | None
    seen: str
    right: str


@dataclass(frozen=True, kw_only=True)
class Training:
    """One Siamese loop (suites/always_one), trained from one seed, and what its vectors tell of unseen images.

    `change` is what was changed in the loop, "" for nothing, `advice` the kind of advice that it follows, `what` the
    change in a few words. `auc` is that of telling whether two images are of one class by their cosine, `unlike` and
    `alike` are the mean cosines of pairs of two classes and of one, `effective_rank` is that of the centred vectors,
    `zeros` the share of vectors that are all zero. `first_cosine` and `second_cosine` are the means of the pairs of
    steps 0 and 1. A step took `step_s`, the median, and `peak_bytes` beyond weights and optimiser. None: no such thing.
    """

    loop: str
    change: str = ""
    advice: str = ""
    what: str = ""
    seed: int
    status: Status
    reason: str = ""
    auc: float | None = None
    unlike: float | None = None
    alike: float | None = None
    effective_rank: float | None = None
    zeros: float | None = None
    first_cosine: float | None = None
    second_cosine: float | None = None
    lowest_loss: float | None = None
    step_s: float | None = None
    peak_bytes: int | None = None


Finding = Accuracy | Contract | Resolution | KnownBug | Training
"""What the suites find beside the records: one line of a run each."""


class Key(NamedTuple):
    """What a finding is about; two findings of one run with the same key are the same one, made again.

    `question` is "accuracy", "contract", "resolution", "known_bugs" or "always_one". `name` is that of the family, the
    bug or the training. A part that does not apply is "".
    """

    question: str
    device: str = ""
    dtype: str = ""
    name: str = ""
    implementation: str = ""

    @property
    def subject(self) -> str:
        """All parts between the question and the implementation, such as "cpu-float32-zeros"."""
        return "-".join(filter(None, (self.device, self.dtype, self.name)))


def key(finding: Finding) -> Key:
    """The key of a finding."""
    if isinstance(finding, KnownBug):
        return Key("known_bugs", name=finding.name)
    if isinstance(finding, Training):
        return training_key(finding.loop, finding.change, finding.seed)
    family = finding.family if isinstance(finding, Accuracy) else ""
    return Key(type(finding).__name__.lower(), finding.device, finding.dtype, family, finding.implementation)


def training_key(loop: str, change: str, seed: int) -> Key:
    """The key of a `Training`."""
    return Key("always_one", name="-".join(filter(None, (loop, change, str(seed)))))
