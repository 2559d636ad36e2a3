"""The curve of a training: the metrics of each sample, as a table."""

from collections.abc import Sequence
from dataclasses import asdict, fields

import pandas as pd

from diagnosis.monitor.metrics import Metrics


def table(samples: Sequence[Metrics], began: int | None) -> pd.DataFrame:
    """One row per sample with its metrics, and `collapsed`: whether the collapse had begun."""
    frame = pd.DataFrame(map(asdict, samples), columns=[field.name for field in fields(Metrics)])
    return frame.assign(collapsed=frame["step"] >= began if began is not None else False)
