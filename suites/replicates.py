"""Several processes of a case as one record: ratios vary more between processes than within one."""

import dataclasses
from collections.abc import Sequence

from suites.records.record import Error, Record, Status


def combined(records: Sequence[Record]) -> Record:
    """The records of one contestant as one: the first that is not ok, or all latencies with the worst other values."""
    for number, record in enumerate(records, start=1):
        if record.status is not Status.OK:
            reason = f"in process {number}: {record.reason}" if number > 1 else record.reason
            return dataclasses.replace(record, reason=reason)
    first, *others = records
    errors = [record.error for record in records if record.error]
    peaks = [record.peak_bytes for record in records if record.peak_bytes is not None]
    return dataclasses.replace(
        first,
        replicates=tuple(record.latency for record in others if record.latency),
        error=Error(error_abs=max(e.error_abs for e in errors), error_rms=max(e.error_rms for e in errors)),
        peak_bytes=max(peaks, default=None),
        flags=tuple({flag.name: flag for record in reversed(records) for flag in record.flags}.values()),
    )
