"""`python -m results` lists the runs; `python -m results show RUN` prints or exports one."""

import contextlib
import json
import math
import os
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import pipe
from command import REFUSED, Command, run, status_of
from results.files import ROOT, UnknownRun
from results.load import list_runs, load, load_run
from results.no_run import instead_of_a_run


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> None:
    """Run the command line. Bad input prints one line on stderr and exits with the status 2, a full disk with 3."""
    parser = _parser()
    typed = sys.argv[1:] if argv is None else argv
    if typed and not typed[0].startswith("-") and typed[0] != "show" and (wrong := instead_of_a_run(Path(typed[0]))):
        parser.error(wrong)
    options = parser.parse_args(typed)
    try:
        with _warnings_in_one_line():
            content = _show(options.run, options.format, options.baseline, root) if options.command else _listing(root)
        if isinstance(content, bytes) and not options.output and sys.stdout.isatty():
            parser.exit(
                REFUSED,
                f"{parser.prog}: {options.format} is binary and cannot be shown in a terminal: add --output FILE\n",
            )
        with pipe.may_close():
            _write(content, options.output)
    except (UnknownRun, ValueError, OSError) as error:
        parser.exit(status_of(error), f"{parser.prog}: {error}\n")


def _parser() -> Command:
    parser = Command(
        "python -m results",
        "List the saved runs, newest first, or show one.",
        {"": "the list", "show latest": "the newest run", "show NAME --format csv": "every column, unrounded"},
    )
    parser.set_defaults(output=None)
    show = parser.add_subparsers(dest="command").add_parser(
        "show",
        help="print or export a run",
        about="Print or export a run.",
        examples={"latest": "the newest run", "NAME --format csv --output NAME.csv": "every column, unrounded"},
    )
    show.add_argument("run", metavar="RUN", help="a run's name, 'latest', or the path of a .jsonl file")
    show.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        help="'table' is a short overview; the others hold every column, unrounded",
    )
    show.add_argument("--baseline", metavar="NAME", default="", help="ratios to this one (default: the run's baseline)")
    show.add_argument("--output", metavar="FILE", help="write to this file instead of the terminal")
    return parser


def _write(content: str | bytes, output: str | None) -> None:
    data = content if isinstance(content, bytes) else content.rstrip("\n").encode() + b"\n"
    if output and not os.path.isdir(Path(output).parent):
        raise ValueError(f"--output: there is no folder {str(Path(output).parent)!r}; make it, or choose another")
    if output:
        Path(output).write_bytes(data)
    elif isinstance(content, bytes):
        sys.stdout.buffer.write(data)
    else:
        print(data.decode(), end="")


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    with warnings.catch_warnings(record=True, action="always") as caught:
        try:
            yield
        finally:
            for warning in caught:
                print(f"warning: {warning.message}", file=sys.stderr)


def _show(run: str, form: str, baseline: str, root: Path) -> str | bytes:
    load_run(run, root)  # raises for a file that is not a run, where loading only warns
    return FORMATS[form](load(run, baseline=baseline, root=root))


def _listing(root: Path) -> str:
    runs = list_runs(root)
    if runs.empty:
        return f"There are no runs in {root} yet. `make bench` makes one."
    return _aligned(runs.assign(complete=runs["complete"].map({True: "yes", False: "no: --resume continues it"})))


def _table(frame: pd.DataFrame) -> str:
    us, mib = 1e6, 2**-20
    return _aligned(
        pd.DataFrame(
            {
                "implementation": frame["implementation"],
                "case": frame["case"],
                "status": frame["status"],
                "median µs": _rounded(frame["latency_s"] * us),
                "95 % µs": _interval(frame["latency_low"] * us, frame["latency_high"] * us),
                "baseline": frame["reference"],
                "× baseline": _rounded(frame["ratio"]),
                "95 % ×": _interval(frame["ratio_low"], frame["ratio_high"]),
                "verdict": frame["verdict"],
                "peak MiB": _rounded(frame["peak_bytes"].astype("float64") * mib),
                "error u": _rounded(frame["error_u"]),
                "remarks": (frame["flags"] + frame["reason"]).map(_shortened),  # a failed record has no flags
            }
        )
    )


def _shortened(text: str) -> str:
    return textwrap.shorten(text, 60, placeholder=" ...")


def _rounded(numbers: "pd.Series[float]") -> "pd.Series[str]":
    def three_digits(number: float) -> str:
        return "" if math.isnan(number) else np.format_float_positional(number, precision=3, fractional=False, trim="-")

    return numbers.map(three_digits).astype("str")


def _interval(low: "pd.Series[float]", high: "pd.Series[float]") -> "pd.Series[str]":
    return (_rounded(low) + " .. " + _rounded(high)).where(low.notna(), "")


def _aligned(frame: pd.DataFrame) -> str:
    def printable(value: object) -> str:
        return "".join(letter if letter.isprintable() else "?" for letter in str(value))

    return str(frame.map(printable).to_markdown(tablefmt="simple", index=False, disable_numparse=True))


def _csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False)


def _json(frame: pd.DataFrame) -> str:
    plain = frame.astype("object").where(frame.notna(), None)  # to_json would round to 15 digits
    return json.dumps(plain.to_dict("records"), indent=1)


def _markdown(frame: pd.DataFrame) -> str:
    def escaped(value: object) -> str:
        return re.sub(r"([\\`*<>\[\]|~])", r"\\\1", " ".join(str(value).split()))

    text = frame.astype("object").where(frame.notna(), "").map(escaped)
    return str(text.to_markdown(index=False, disable_numparse=True))


def _parquet(frame: pd.DataFrame) -> bytes:
    return frame.to_parquet(index=False)


FORMATS: dict[str, Callable[[pd.DataFrame], str | bytes]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
    "markdown": _markdown,
    "parquet": _parquet,
}

if __name__ == "__main__":
    run(main)
