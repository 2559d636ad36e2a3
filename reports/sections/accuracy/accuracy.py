"""The errors of each implementation on hard inputs: how many families it fails, and by how much."""

from collections.abc import Mapping

import pandas as pd

PLACE = ["device", "dtype"]
RIGHT, WRONG, NOT_TESTED = "right", "wrong", "not tested"
ORDINARY = ("prescribed", "self", "scaled", "negated", "near", "planar", "orthogonal", "positive")
"""Families of finite rows of moderate norm and length."""

_OUTCOMES = {"ok": RIGHT, "unsupported": NOT_TESTED, "absent": NOT_TESTED}


def judged(accuracy: pd.DataFrame, budget: Mapping[str, float]) -> pd.DataFrame:
    """Add the `outcome` of each row. Drop implementations without a test on a device in a dtype.

    `large` marks an answer that is right, but whose error is beyond the budget of its dtype.
    """
    table = accuracy.assign(outcome=accuracy["status"].map(_OUTCOMES).fillna(WRONG))
    beyond = table["error_max"].astype(float) > table["dtype"].map(budget).astype(float)
    table["large"] = beyond & (table["outcome"] == RIGHT)
    tested = table["outcome"] != NOT_TESTED
    return table[tested.groupby([table[key] for key in (*PLACE, "implementation")]).transform("any")]


def by_place(judged: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of each device and dtype."""
    return [rows for _, rows in judged.groupby(PLACE, sort=False)]


def tally(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each implementation of one place, the fewest wrong families first.

    `right`, `wrong` and `not tested` count families. `ordinary_u` is the largest error on `ORDINARY` families.
    `above_one` and `exactly_one` are shares of the pairs of equal rows. `kendall`, `distinct` and `pairs` belong to
    the family `ties`, and `gradient_u` is the largest error of a gradient. NaN where that was not tested, or failed.
    """
    counts = pd.crosstab(rows["implementation"], rows["outcome"])
    itself, ties, gradients = (_family(rows, name) for name in ("self", "ties", "gradients"))
    itself = itself[itself["task"] != "angle"]
    found = counts.reindex(columns=[RIGHT, WRONG, NOT_TESTED], fill_value=0).assign(
        ordinary_u=rows[rows["family"].isin(ORDINARY)].groupby("implementation")["error_max_u"].max(),
        above_one=itself["above_one"] / itself["pairs"],
        exactly_one=itself["exactly_one"] / itself["pairs"],
        kendall=ties["kendall"].astype(float),
        distinct=ties["distinct"],
        pairs=ties["pairs"],
        gradient_u=gradients["error_max_u"],
    )
    return found.sort_values([WRONG, "ordinary_u", "implementation"]).rename_axis(columns=None).reset_index()


def bounds(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each implementation of one place: the `family` on which it is right and closest to its bound.

    `bound_u` is the bound at that pair, `worst_u` the error, and `slack` the bound over the error. `largest_u` is the
    largest error where it is right, on the family `largest_on`. `broken` counts the families with an error beyond the
    bound.
    """
    right = rows[(rows["outcome"] == RIGHT) & (rows["bound_share"] > 0)]
    largest = right.sort_values("error_max_u", ascending=False, kind="stable").drop_duplicates("implementation")
    largest = largest.set_index("implementation")
    most = right.sort_values("bound_share", ascending=False, kind="stable").drop_duplicates("implementation")
    broken = (rows["bound_share"] > 1).groupby(rows["implementation"]).sum()
    most = most.assign(
        worst_u=most["bound_u"] * most["bound_share"],
        slack=1 / most["bound_share"],
        largest_u=most["implementation"].map(largest["error_max_u"]),
        largest_on=most["implementation"].map(largest["family"]),
        broken=most["implementation"].map(broken),
    )
    columns = ["implementation", "family", "bound_u", "worst_u", "slack", "largest_u", "largest_on", "broken"]
    return most[columns].sort_values(["broken", "slack", "implementation"], ascending=[True, False, True])


def overall(judged: pd.DataFrame) -> pd.DataFrame:
    """One row for each implementation over all places: `wrong` of `tested` families, and whether it is a `true_cosine`.

    A true cosine is never above 1 on any family, and exactly 1 for each row with itself.
    """
    tested = judged[judged["outcome"] != NOT_TESTED]
    families = tested.groupby("implementation")["family"].nunique()
    wrong = tested[tested["outcome"] == WRONG].groupby("implementation")["family"].nunique()
    cosines = tested.dropna(subset=["above_one"])
    above = cosines.groupby("implementation")["above_one"].sum()
    itself = cosines[cosines["family"] == "self"]
    exact = (itself["exactly_one"] == itself["pairs"]).groupby(itself["implementation"]).all()
    true = exact.index[exact & (above.reindex(exact.index) == 0)]
    rows = pd.DataFrame({"tested": families, "wrong": wrong.reindex(families.index, fill_value=0)})
    return rows.assign(true_cosine=rows.index.isin(true)).reset_index()


def unfit(judged: pd.DataFrame) -> set[tuple[str, str, str]]:
    """Device, dtype and name of each implementation that is wrong on an ordinary family."""
    wrong = judged[(judged["outcome"] == WRONG) & judged["family"].isin(ORDINARY)]
    return {*zip(wrong["device"], wrong["dtype"], wrong["implementation"], strict=True)}


def sound(judged: pd.DataFrame) -> set[str]:
    """Implementations that are right on every family tested, in each dtype of the run."""
    tested = judged[judged["outcome"] != NOT_TESTED]
    grouped = tested.assign(right=tested["outcome"] == RIGHT).groupby("implementation")
    right = grouped["right"].all() & (grouped["dtype"].nunique() == tested["dtype"].nunique())
    return {*right.index[right]}


def large(judged: pd.DataFrame) -> pd.Series:
    """How many implementations are right on each family, but beyond the error budget; the most first."""
    far = judged[judged["large"]]
    return far.groupby("family", sort=False)["implementation"].nunique().sort_values(ascending=False, kind="stable")


def hardest(judged: pd.DataFrame) -> pd.Series:
    """How many implementations are wrong on each family, the most first; families without one are left out."""
    wrong = judged[judged["outcome"] == WRONG]
    return wrong.groupby("family", sort=False)["implementation"].nunique().sort_values(ascending=False, kind="stable")


def _family(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    return rows[rows["family"] == name].set_index("implementation")
