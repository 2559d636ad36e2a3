"""What the diagnosis says of a planted case, and what the baselines say."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import process_time

from diagnosis.examine import examine
from diagnosis.subject import DiagnosisError, Subject
from diagnosis.validity.baselines import BASELINES
from diagnosis.validity.cases import PlantedCase, subject

REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class PlantedResult:
    """What the diagnosis and the baselines say of one case.

    `verdict` is the diagnosis's, or "refused". `named` are its causes in order, and `flips` says whether undoing the
    first one flips the symptom. `baselines` are their figures by name. `seconds` of CPU time are of the diagnosis
    alone, `work_s` include making the case; CPU time is the same on a busy machine.
    """

    case: PlantedCase
    verdict: str
    named: tuple[str, ...]
    flips: bool
    baselines: Mapping[str, float]
    seconds: float
    work_s: float


def ask(case: PlantedCase) -> PlantedResult:
    """Make the case, diagnose it, and ask the baselines."""
    begin = process_time()
    asked = subject(case)
    start = process_time()
    verdict, named, flips = _diagnosed(asked, case)
    seconds = process_time() - start
    baselines = {name: figure(asked) for name, figure in BASELINES.items()}
    return PlantedResult(
        case=case,
        verdict=verdict,
        named=named,
        flips=flips,
        baselines=baselines,
        seconds=seconds,
        work_s=process_time() - begin,
    )


def _diagnosed(asked: Subject, case: PlantedCase) -> tuple[str, tuple[str, ...], bool]:
    try:
        diagnosis = examine(asked)
    except DiagnosisError:
        return REFUSED, (), False
    except Exception as error:
        error.add_note(f"in the diagnosis of {case}")
        raise
    first = diagnosis.causes[0].counterfactual if diagnosis.causes else None
    return diagnosis.verdict, tuple(cause.name for cause in diagnosis.causes), first is not None and first.flips
