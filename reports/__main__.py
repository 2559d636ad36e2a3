"""`python -m reports [RUN]`: write the report of a run and print its path; `--pr` prints a summary instead."""

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import pipe
from command import REFUSED, Command, run, status_of
from reports.publish import PUBLISHED, publish
from reports.pull_request import pull_request
from reports.render import OUT, render
from results import ROOT, UnknownRun
from suites.records import budget


def main(argv: Sequence[str] | None = None, *, root: Path = ROOT, out: Path = OUT, published: Path = PUBLISHED) -> None:
    """Run the command line; bad input ends it with one line on stderr and the status 2, a full disk with 3."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.pr and (options.publish or options.against):
        parser.error("--pr prints a summary and writes no report: leave out --publish and --against")
    with warnings.catch_warnings(record=True, action="always") as caught:
        try:
            asked = {"baseline": options.baseline, "budget": options.error_budget, "root": root}
            if options.pr:
                lines = [pull_request(options.run, published=published, **asked)]
            else:
                path = render(options.run, against=options.against, out=out, **asked)
                folder = publish(path, options.run, published, root) if options.publish else None
                lines = [*([f"published in {folder}"] if folder else []), str(path)]
        except UnknownRun as error:
            parser.exit(REFUSED, f"{parser.prog}: {error}; `make bench` measures one\n")
        except (ValueError, OSError) as error:
            parser.exit(status_of(error), f"{parser.prog}: {error}\n")
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        print(f"warning: {message}", file=sys.stderr)
    with pipe.may_close():
        print("\n".join(lines))


def _parser() -> Command:
    parser = Command(
        "python -m reports",
        "Write the report of a run and print its path.",
        {
            "": "the newest run",
            "NAME --against OLD": "a run by its name, compared with an older one",
            "--error-budget float32=16u,bfloat16=0.02": "what may be recommended",
        },
    )

    def limits(spec: str) -> dict[str, float]:  # here, where the values in examples are checked with the options
        try:
            return budget.parse(spec)
        except budget.BudgetError as error:
            parser.exit(REFUSED, f"{parser.prog}: {error}\n")

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
    parser.add_argument(
        "--error-budget", metavar="SPEC", type=limits, default={}, help=f"{budget.HELP} (default: that of the run)"
    )
    parser.add_argument(
        "--pr", action="store_true", help="print the answer as a few lines of Markdown, to paste into a pull request"
    )
    parser.add_argument("--publish", action="store_true", help="copy the report and its run to reports/published")
    return parser


if __name__ == "__main__":
    run(main)
