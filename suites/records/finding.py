"""Findings: results other than speed, such as errors, contracts and resolution. Torch-free."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from suites.records.record import Status


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """How far the answers to one family of inputs are from the truth, over the pairs that have a true value.

    `output_dtype` is the coarsest dtype of the answers. Errors are absolute. `ulp_max` is the largest error in units in
    the last place of the answers, over the pairs with |cos| above 1/2; None without such pairs. `lost` counts answers
    that are NaN or infinite where the truth is finite; `nans` and `infs` count all NaN and infinite answers.
    `above_one` counts |cos| above 1. `above_one`, `exactly_one` and `ulp_max` are None for angles, differences and
    gradients. `kendall` is Kendall's tau of the answers against the truth, None if the truth has a single value.
    `bound_share` is the largest share of the stated bound that any pair uses, and `bound` the bound at that pair.
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
    """An implementation examined in one dtype on one device, and the status of the result."""

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

    `answers` maps each question to the answer in a few words. `eps_rule` names the rule that keeps small norms from
    dividing by zero, and `eps` the norm where it begins: 0 without a rule.
    """

    eps_rule: str = ""
    eps: float = 0.0
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Resolution(Examined):
    """How fine one implementation's answers are: the smallest angle, in radians, that it distinguishes from 0.

    `distinct` counts the different answers to `pairs` pairs whose cosines are spread evenly over [0.9, 1].
    """

    smallest_angle: float | None = None
    distinct: int | None = None
    pairs: int | None = None


@dataclass(frozen=True, kw_only=True)
class KnownBug:
    """An upstream report, and whether this build still has the bug; `happens` is None if that cannot be checked.

    `name` is the name of the probe, `issue` is `owner/repository#number`, and `package` names what was probed, with its
    version. `seen` is what this build does, `right` what it should do.
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
    """One Siamese loop (suites/always_one), trained from one seed, and its vectors of unseen images.

    `change` names the change of the loop ("" for none), `advice` the kind of advice behind it, and `what` describes it
    in a few words. `auc` is the area under the ROC curve when the cosine separates positive from negative pairs of
    images. `alike` is the mean cosine of positive pairs (one class), `unlike` that of negative pairs (two classes).
    `effective_rank` is that of the centred vectors, `zeros` the share of all-zero vectors. `first_cosine` and
    `second_cosine` are the mean cosines of steps 0 and 1. `step_s` is the median time of a step, `peak_bytes` its peak
    beyond weights and optimiser. A value is None if it does not exist.
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
"""What the suites find besides records: each is one line of a run."""


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
