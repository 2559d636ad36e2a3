"""`python -m reports [RUN]`: write the report of a run and print its path."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import pipe
from reports.publish import PUBLISHED, publish
from reports.render import OUT, render
from results import ROOT, UnknownRun
from suites.records import budget


def main(argv: Sequence[str] | None = None, *, root: Path = ROOT, out: Path = OUT, published: Path = PUBLISHED) -> None:
    """Run the command line; bad input ends it with one line on stderr and the status 2."""
    parser = _parser()
    options = parser.parse_args(argv)
    with warnings.catch_warnings(record=True, action="always") as caught:
        try:
            limits = budget.parse(options.error_budget) if options.error_budget is not None else {}
            path = render(
                options.run, against=options.against, baseline=options.baseline, budget=limits, root=root, out=out
            )
            folder = publish(path, options.run, published, root) if options.publish else None
        except UnknownRun as error:
            parser.exit(2, f"{parser.prog}: {error}; `make bench` measures one\n")
        except (ValueError, OSError) as error:
            parser.exit(2, f"{parser.prog}: {error}\n")
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        print(f"warning: {message}", file=sys.stderr)
    with pipe.may_close():
        if folder:
            print(f"published in {folder}")
        print(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reports", description="Write the report of a run and print its path."
    )
    parser.add_argument(
        "run",
        metavar="RUN",
        nargs="?",
        default="latest",
        help="a run's name, or the path of its .jsonl file (default: latest)",
    )
    parser.add_argument("--against", metavar="RUN", help="compare with this older run")
    parser.add_argument(
        "--baseline",
        metavar="NAME",
        default="",
        help="the implementation that times are compared with (default: that of the run, usually torch's built-in)",
    )
    parser.add_argument("--error-budget", metavar="SPEC", help=f"{budget.HELP} (default: that of the run)")
    parser.add_argument("--publish", action="store_true", help="copy the report and its run to reports/published")
    return parser


if __name__ == "__main__":
    main()
