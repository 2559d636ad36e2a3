"""The curve of a training: the metrics of each sample, as a table and a file."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd

from diagnosis.monitor.harmless import warn
from diagnosis.monitor.metrics import Metrics
from diagnosis.subject import DiagnosisError


def table(samples: Sequence[Metrics], began: int | None) -> pd.DataFrame:
    """One row per sample with its metrics, and `collapsed`: whether the collapse had begun."""
    frame = pd.DataFrame(map(asdict, samples), columns=[field.name for field in fields(Metrics)])
    return frame.assign(collapsed=frame["step"] >= began if began is not None else False)


class CurveFile:
    """A CSV file for the curve, if there is a path, which counts from the folder where training started.

    Raises:
        DiagnosisError: it can't be written. An existing file keeps its content until `write`.
    """

    def __init__(self, path: object) -> None:
        self._path: Path | None = None
        if path is None:
            return
        try:
            self._path = Path(path).absolute()  # type: ignore[arg-type]
            new = not self._path.exists()
            self._path.open("a").close()
            if new:
                self._path.unlink()
        except (OSError, TypeError, ValueError) as error:
            raise DiagnosisError(
                f"curve={path!r} can't be written ({error}); name a file in a folder that exists and is yours"
            ) from error

    def write(self, curve: pd.DataFrame) -> None:
        """Write the curve, or warn that it can't be written: the path was good at the start."""
        try:
            if self._path:
                curve.to_csv(self._path, index=False)
        except OSError as error:
            warn(f"can't write {str(self._path)!r} ({error}); the curve is in monitor.curve()")
