"""A diagnosis as a page: the verdict, the causes, pictures before and after the repair, the figures."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from diagnosis import verdict
from diagnosis.report.pictures import Drawing, Stages, draw
from diagnosis.report.sampled import Sampled, sampled
from diagnosis.report.training import picture
from diagnosis.signature.rows import SEEN, sample
from diagnosis.subject import Subject
from diagnosis.verdict import Diagnosis
from reports.markdown import templates

TEMPLATES = Path(__file__).parent / "templates"


def write_report(
    diagnosis: Diagnosis,
    subject: Subject,
    folder: Path,
    *,
    source: str = "the embeddings",
    curve: pd.DataFrame | None = None,
) -> Path:
    """Write `report.md` and its pictures to `folder`, made if it is missing, and return the path of the page.

    `source` names the origin of the subject, and `curve` is that of a `CollapseMonitor`. Equal input gives equal bytes.

    Raises:
        OSError: a folder that can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stages = _stages(diagnosis, subject)
    values = {
        "say": verdict,
        "diagnosis": diagnosis,
        "source": source,
        "pictures": list(_pictures(stages, curve, folder)),
        "drawn": max((len(seen.units) for seen in stages.values()), default=0),
    }
    page = folder / "report.md"
    page.write_text(templates(TEMPLATES).get_template("report.md.j2").render(values), encoding="utf-8", newline="\n")
    return page


def _stages(diagnosis: Diagnosis, subject: Subject) -> dict[str, Sampled]:
    """The embeddings as they are, and as the diagnosis repaired them."""
    stages = {"As they are": sampled(sample(subject, SEEN))}
    if diagnosis.repaired is not None:
        stages[f"Tried: {', '.join(diagnosis.tried)}"] = sampled(diagnosis.repaired)
    return {title: seen for title, seen in stages.items() if seen}


def _pictures(stages: Stages, curve: pd.DataFrame | None, folder: Path) -> Iterator[Drawing]:
    if stages:
        yield from draw(stages, folder)
    if curve is not None:
        picture(curve, folder / "training.png")
        yield Drawing("training.png", "The embeddings during training")
