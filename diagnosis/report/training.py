"""The curve of a training as a picture."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from diagnosis.report.pictures import save
from reports.plots.style import styled

PANELS = {
    "1 - mean cosine": ("log", ["spread"]),
    "dimensions": ("linear", ["participation_ratio"]),
    "share": ("linear", ["mean_share", "top_dimension_energy", "usable_rows"]),
    "norm": ("log", ["median_norm"]),
}


def picture(curve: pd.DataFrame, path: Path) -> None:
    """Save the curve as PNG, with a panel per kind of figure; a line marks the step where a collapse began."""
    shown = curve.assign(spread=(1 - curve["mean_cosine"]).clip(lower=1e-9))  # a log scale can't show 0
    began = curve["step"][curve["collapsed"]].head(1)
    with styled():
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
        figure.suptitle("The embeddings during training", x=0.01, ha="left")
        save(figure, path.name, path.parent)
