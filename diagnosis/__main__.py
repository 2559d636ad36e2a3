"""Why is my cosine similarity always 1? Names the causes in embeddings, with evidence and remedies."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

import pipe
from command import Command, run
from diagnosis.examine import examine
from diagnosis.intake.checks import check_page, checked
from diagnosis.intake.files import read_subject
from diagnosis.isolation import seeded
from diagnosis.subject import DiagnosisError, Subject
from diagnosis.verdict import WIDEST, Diagnosis, lines
from suites.inputs.blocks import InputError

STATUS = {"healthy": 0, "cause": 1, "unknown": 1}
STATUSES = """\
Exit status: 0 healthy; 1 a cause found, or a symptom that no known cause explains; 2 wrong use or bad input; 3 it
failed; 130 interrupted."""
STYLE = {
    "healthy": "bold green",
    "cause": "bold red",
    "unknown": "bold yellow",
    "title": "bold",
    "code": "cyan",
    "text": "",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Diagnose the files. Returns 0: healthy; 1: a cause, or a symptom that no known cause explains.

    Wrong use and bad input end it with the status 2.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        folder = check_page(options.report) if options.report else None
        subject, notes = read_subject(
            options.x, options.y, labels=options.labels, inputs=options.inputs, dim=options.dim
        )
        subject = checked(subject)
        with seeded():
            diagnosis = examine(subject)
    except (InputError, DiagnosisError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    _print_json(diagnosis) if options.json else _print(diagnosis)
    if folder:
        _report(diagnosis, subject, folder, options)
    return STATUS[diagnosis.verdict]


def _report(diagnosis: Diagnosis, subject: Subject, folder: Path, options: argparse.Namespace) -> None:
    from diagnosis.report.page import write_report  # matplotlib and scikit-learn take seconds to import

    source = " against ".join(path.name for path in (options.x, options.y) if path)
    printable = source.encode(errors="backslashreplace").decode()  # names of files may hold any bytes
    page = write_report(diagnosis, subject, folder, source=printable)
    print(f"note: the report is {page}", file=sys.stderr)


def _print_json(diagnosis: Diagnosis) -> None:
    found = json.dumps(diagnosis.to_dict())
    with pipe.may_close():
        print(json.dumps(json.loads(found, parse_constant=lambda _: None), indent=1))  # JSON has no NaN


def _print(diagnosis: Diagnosis) -> None:
    console = Console(markup=False, highlight=False)
    with console.capture() as shown:  # of a closed pipe Rich makes the exit status 1
        for text, style in lines(diagnosis, min(WIDEST, console.width)):
            console.print(text, style=STYLE[style], soft_wrap=True)
    with pipe.may_close():
        print(shown.get(), end="")


def _parser() -> Command:
    parser = Command(
        "python -m diagnosis",
        __doc__,
        {
            "embeddings.npy": "one set of rows",
            "x.npy y.npy --labels labels.npy": "pairs of rows, 1 for a positive pair",
            "embeddings.npy --report why": "a page with pictures, in the folder why",
        },
        more=STATUSES,
    )
    parser.add_argument(
        "x", metavar="X", type=Path, help="embeddings [N, ..., D], or both sides of pairs: .npy, .pt or .safetensors"
    )
    parser.add_argument(
        "y",
        metavar="Y",
        type=Path,
        nargs="?",
        help="the other side of the pairs, row by row",
    )
    parser.add_argument(
        "--labels", type=Path, metavar="FILE", help="of pairs: 1 positive, 0 or -1 negative; of X alone: classes"
    )
    parser.add_argument(
        "--inputs", type=Path, metavar="FILE", help="the model's inputs; for pairs, two tensors in one file"
    )
    parser.add_argument("--dim", type=int, default=-1, help="dimension of the cosine (default: the last)")
    parser.add_argument("--json", action="store_true", help="print the diagnosis as one JSON object")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write report.md and its pictures there")
    return parser


if __name__ == "__main__":
    run(main)
