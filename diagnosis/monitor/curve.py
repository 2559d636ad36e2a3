"""The curve of a training: each look's figures, as a table."""

from collections.abc import Sequence
from dataclasses import asdict, fields

import pandas as pd

from diagnosis.monitor.look import Look


def table(looks: Sequence[Look], began: int | None) -> pd.DataFrame:
    """A row a look, its figures, and `collapsed`: whether the collapse had begun."""
    frame = pd.DataFrame(map(asdict, looks), columns=[field.name for field in fields(Look)])
    return frame.assign(collapsed=frame["step"] >= began if began is not None else False)
