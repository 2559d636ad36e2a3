"""Where the time and the memory of a call went, operator by operator."""

import pandas as pd

TOP = 5


def operators(profile: pd.DataFrame) -> pd.DataFrame:
    """The `TOP` operators of each implementation and case by their own time, the baseline's first.

    `share` is the part of the implementation's time in that case.
    """
    total = profile.groupby(["case", "implementation"])["self_s"].transform("sum")
    rows = profile.assign(share=profile["self_s"] / total.where(total > 0))
    rows = rows.sort_values(["self_s", "operator"], ascending=[False, True], kind="stable")
    rows = rows.groupby(["case", "implementation"], sort=False).head(TOP)
    order = ["case", "baseline", "implementation"]
    return rows.sort_values(order, ascending=[True, False, True], kind="stable", ignore_index=True)
