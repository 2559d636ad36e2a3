"""The confusion matrix as a picture: docs/figures/always-one.png."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from reports.plots.style import styled

OTHER = ("healthy", "unknown", "refused")


def confusion(answers: pd.DataFrame) -> pd.DataFrame:
    """Shares by what was planted (rows: causes, healthy, unknown) and by what was named first (columns)."""
    single = answers[answers["group"] != "together"]
    planted = single["name"].where(single["group"] == "planted", single["group"].replace("foreign", "unknown"))
    shares = pd.crosstab(planted, single["said"], normalize="index")
    causes = answers["name"][answers["group"] == "planted"].drop_duplicates().tolist()
    columns = [*causes, *OTHER[: 3 if OTHER[2] in shares else 2]]
    return shares.reindex(index=[*causes, *OTHER[:2]], columns=columns, fill_value=0.0)


def draw(answers: pd.DataFrame, path: Path) -> None:
    """Write the heat map of `confusion` to a PNG file."""
    shares = confusion(answers)
    side = 1.5 + 0.2 * len(shares)
    with styled():
        figure = Figure(figsize=(side + 1.5, side), layout="constrained")
        axes = figure.subplots()
        axes.grid(visible=False)
        image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1))  # so that a share of 2 % is visible
        axes.set_xticks(range(shares.shape[1]), list(shares.columns), rotation=90)
        axes.set_yticks(range(len(shares)), list(shares.index))
        _write_errors(axes, shares)
        axes.set(xlabel="named first", ylabel="planted (unknown: a foreign cause)")
        figure.colorbar(image, ax=axes, label="share of the row; written: wrong answers, in %", shrink=0.6)
        figure.savefig(path, dpi=120, metadata={"Software": None})  # the same bytes from the same numbers


def _write_errors(axes: Axes, shares: pd.DataFrame) -> None:
    """Write the share, in per cent, into each cell that is wrong, where the colour is pale."""
    for row, planted in enumerate(shares.index):
        for column, said in enumerate(shares.columns):
            if planted != said and (share := shares.loc[planted, said]):
                shown = f"{100 * share:.0f}" if share >= 0.01 else "<1"
                axes.text(column, row, shown, ha="center", va="center", fontsize=8)
