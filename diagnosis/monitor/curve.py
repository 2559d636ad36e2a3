"""The curve of a training: the metrics of each sample, as a table and as a picture."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd

from diagnosis.monitor.metrics import Metrics

PANELS = {
    "1 - mean cosine": ("log", ["spread"]),
    "dimensions": ("linear", ["participation_ratio"]),
    "share": ("linear", ["mean_share", "top_dimension_energy", "usable_rows"]),
    "norm": ("log", ["median_norm"]),
}


def table(samples: Sequence[Metrics], began: int | None) -> pd.DataFrame:
    """One row per sample with its metrics, and `collapsed`: whether the collapse had begun."""
    frame = pd.DataFrame(map(asdict, samples), columns=[field.name for field in fields(Metrics)])
    return frame.assign(collapsed=frame["step"] >= began if began is not None else False)


def picture(curve: pd.DataFrame, path: Path) -> None:
    """Save the curve as PNG, one panel per kind of metric; a line marks the step where the collapse began."""
    import matplotlib.style
    from matplotlib.figure import Figure

    from diagnosis.report.pictures import STYLE, save

    shown = curve.assign(spread=(1 - curve["mean_cosine"]).clip(lower=1e-9))  # a log scale has no 0
    began = curve["step"][curve["collapsed"]].head(1)
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=(7, 6), layout="constrained")
        panels = figure.subplots(len(PANELS), sharex=True)
        for axes, (title, (scale, names)) in zip(panels, PANELS.items(), strict=True):
            for name in names:
                axes.plot(shown["step"], shown[name], label=name.replace("_", " "))
            for step in began:
                axes.axvline(step, color="black", linestyle="--", label=f"collapse, from step {step}")
            axes.set(ylabel=title, yscale=scale)
        panels[2].legend(loc="center left", bbox_to_anchor=(1, 0.5))
        panels[-1].set_xlabel("step")
        figure.suptitle("The embeddings while they were trained", x=0.01, ha="left")
        save(figure, path.name, path.parent)
