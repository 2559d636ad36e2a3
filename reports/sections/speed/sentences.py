"""The answer in sentences: what to ship in each group of cases, by shape where few cases ran."""

import pandas as pd

from reports import units
from reports.markdown import code, codes
from reports.sections.speed.answer import FLAWS
from reports.sections.speed.by_case import of_group
from reports.sections.speed.claims import claim, claims, lacking, prepared_once, span
from reports.sections.speed.references import fastest, is_fastest
from reports.sections.speed.sureness import QUIETER
from reports.sections.speed.table import SAME, group_names
from reports.sections.speed.verdicts import tally
from results.references import FASTEST

LABELS = 4


def headlines(
    answer: pd.DataFrame, shapes: pd.DataFrame, sizes: pd.DataFrame, close_seconds: pd.DataFrame
) -> list[str]:
    """The answer, a sentence or two for each group; `shapes` are the rows of `by_shape`, `sizes` those of `by_size`."""
    return [
        f"**{name}**: {_decision(row, of_group(shapes, row), of_group(sizes, row), flaw(row, close_seconds))}"
        for name, (_, row) in zip(group_names(answer), answer.iterrows(), strict=True)
    ]


def flaw(row: pd.Series, close_seconds: pd.DataFrame) -> str:
    """Why the baseline of a row of the answer, though faster, is not the answer: "is wrong on ordinary inputs"."""
    mine = of_group(close_seconds, row)
    whys = mine.loc[(mine["implementation"] == row["reference"]) & (mine["why"] != SAME), "why"]
    return FLAWS[whys.iloc[0]] if len(whys) else ""


def _decision(row: pd.Series, shapes: pd.DataFrame, sizes: pd.DataFrame, why_not: str) -> str:
    if row["cases"] == 0:
        return "nothing ran; see the failures below."
    if pd.isna(row["implementation"]):
        return _only_some(row, shapes, sizes)
    if pd.notna(row["rival"]):
        stay = f"too noisy to tell {_hidden(row)}. {QUIETER} decide it; until then stay with {code(row['reference'])}"
        return f"{_provisional(row)}{stay}; {_facts(row)}.{_instead(row, sizes)}"
    if shapes["few"].all():
        whose = f"{code(row['implementation'])}: " if len(sizes) else ""
        return f"{_provisional(row)}{_by_shape(row, shapes, why_not)}; {whose}{_facts(row)}.{_part(row)}"
    once = _prepared(shapes[shapes["implementation"] == row["implementation"]])
    return (
        f"{_provisional(row)}{_over_all(row, shapes, why_not)}{once}; {_facts(row)}.{_part(row)}{_instead(row, sizes)}"
    )


def _only_some(row: pd.Series, shapes: pd.DataFrame, sizes: pd.DataFrame) -> str:
    """What to ship where an implementation is within the budget, in a group without one that always is."""
    won = shapes["implementation"].notna()
    if not won.any() or not shapes["few"].all():
        names = shapes["implementation"].dropna().unique()
        elsewhere = f" Elsewhere, {_verb(row, names[0])} {code(names[0])}." if len(names) == 1 else _instead(row, sizes)
        return f"{lacking(row)}.{elsewhere}"
    some = f"{_provisional(row)}{_by_shape(row, shapes, '')}"
    return f"{some}. Nothing is within the error budget for {codes(shapes.loc[~won, 'label'], LABELS)}."


def _by_shape(row: pd.Series, shapes: pd.DataFrame, why_not: str) -> str:
    """What to ship for which of a few shapes: the answer first, then what else wins a shape."""
    won = shapes.dropna(subset=["implementation"])
    others = [name for name in won["implementation"].unique() if name != row["implementation"]]
    parts = []
    for name in [row["implementation"], *others]:
        mine = won[won["implementation"] == name]
        if mine.empty:
            continue
        where = f" for {_labels(mine, shapes)}" if len(shapes) > 1 else ""
        how = _how(row, mine, why_not)
        parts.append(f"{_verb(row, name)} {code(name)}{where}" + (f": {how}" if how else "") + _prepared(mine))
    return "; ".join(parts)


def _how(row: pd.Series, mine: pd.DataFrame, why_not: str) -> str:
    """How the winner of some cases compares with the baseline there."""
    one, compared = mine.iloc[0], mine["ratio"].notna().sum()
    if is_fastest(one):
        return f"{fastest(mine)} here, where no baseline was timed"
    if one["implementation"] == row["reference"]:
        alone = row["implementation"] == row["reference"]
        return "no implementation within the error budget is seen to be faster over all cases" if alone else ""
    if compared == 0:
        return f"the fastest; {_untimed(one['reference'])}"
    which = f", which {why_not}" if why_not else ""
    if len(mine) == 1:
        theirs = f"{'from' if one['verdict'] == SAME else 'than'} the {units.seconds(one['reference_s'])} of "
        return f"{units.seconds(one['latency_s'])}, {claim(one)} {theirs}{code(one['reference'])}{which}"
    counts = tally(mine).iloc[0]
    if counts["faster"] == compared == len(mine):
        return f"{units.speeds(counts['worst'], counts['best'])} than {code(row['reference'])}{which}"
    return f"against {code(row['reference'])}{which}, {claims(counts)}"


def _over_all(row: pd.Series, shapes: pd.DataFrame, why_not: str) -> str:
    """What to ship for many shapes."""
    ship = f"{_verb(row, row['implementation'])} {code(row['implementation'])}"
    if is_fastest(row):
        return f"{ship}: {fastest(shapes)} here, where no baseline was timed"
    if row["implementation"] == row["reference"]:
        return f"{ship}: no implementation within the error budget is seen to be faster over all cases"
    if row["compared"] == 0:
        return f"{ship}: the fastest; {_untimed(row['reference'])}"
    which = f", which {why_not}" if why_not else ""
    return f"{ship}: against {code(row['reference'])}{which}, {claims(row)} (by case: {span(row)})"


def _prepared(mine: pd.DataFrame) -> str:
    once = prepared_once(mine)
    return f", with its {once}" if once else ""


def _verb(row: pd.Series, name: str) -> str:
    if row["disturbed"]:
        return "so far"
    return "stay with" if name == row["reference"] and row["reference_why"] != FASTEST else "ship"


def _provisional(row: pd.Series) -> str:
    if not row["disturbed"]:
        return ""
    return (
        f"**provisional**, since other work disturbed {row['disturbed']:.0f} of {units.counted(row['cases'], 'case')}: "
    )


def _untimed(reference: str | float) -> str:
    return f"{code(str(reference))} has no time to compare with" if pd.notna(reference) else "no baseline ran"


def _labels(mine: pd.DataFrame, shapes: pd.DataFrame) -> str:
    if len(mine) == len(shapes):
        return "both shapes" if len(mine) == 2 else f"all {len(mine)} shapes"
    return codes(mine["label"], LABELS)


def _facts(row: pd.Series) -> str:
    facts = f"largest error {units.absolute(row['error_u'])}"
    if row["implementation"] == row["reference"]:
        return facts
    theirs = f" ({code(str(row['reference']))}: {units.absolute(row['reference_error_u'])})"
    facts += theirs if pd.notna(row["reference_error_u"]) else ""
    share = units.share(row["memory"])
    peak = share if share.startswith("under") else f"at most {share}"
    that = "that" if share.endswith("×") else "of that"
    return facts + (f", peak memory {peak} {that} of {code(str(row['reference']))}" if pd.notna(row["memory"]) else "")


def _part(row: pd.Series) -> str:
    if row["ran"] == row["cases"]:
        return ""
    return f" No implementation ran all {row['cases']:.0f} cases; this one ran {row['ran']:.0f}."


def _hidden(row: pd.Series) -> str:
    rival, floor = code(row["rival"]), units.percent(row["noise"] - 1)
    seen = units.speed_within(row["rival_time"], row["rival_low"], row["rival_high"])
    return f"whether {rival} is faster: it seemed {seen}, at a noise floor of {floor}"


def _instead(row: pd.Series, sizes: pd.DataFrame) -> str:
    others = sizes[sizes["implementation"] != row["implementation"]]
    parts = [f"{code(rows.implementation)} for {codes(rows.labels, 2)}" for rows in others.itertuples()]
    return f" Instead, {'so far' if row['disturbed'] else 'ship'} {', '.join(parts)}." if parts else ""
