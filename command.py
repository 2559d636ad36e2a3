"""The command lines of this repository: description and examples, the nearest option, and one set of exit statuses."""

import argparse
import errno
import os
import sys
import textwrap
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pipe
from nearest import did_you_mean, nearest


class GivenOnce(argparse.Action):
    """An option with a value, which argparse would silently replace by a second one: that is refused."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Store the value; an `ArgumentError` names both if there was one."""
        before = getattr(namespace, self.dest, self.default)
        if self.option_strings and before != self.default:
            given = f", with {before!r} and {values!r}" if isinstance(before, str) else ""
            raise argparse.ArgumentError(self, f"is there twice{given}; leave one out")
        setattr(namespace, self.dest, values)


class Command(argparse.ArgumentParser):
    """A parser whose help shows examples, and whose errors name the nearest option or choice.

    Args:
        prog: how it is called, such as "python -m reports".
        about: what it does.
        examples: arguments that work, each with a few words on what it does; "" is the command alone.
        more: a paragraph for the end of the help.
        settings: of `argparse.ArgumentParser`.
    """

    def __init__(self, prog: str, about: str, examples: dict[str, str], *, more: str = "", **settings: Any) -> None:
        lines = {f"{prog} {arguments}".rstrip(): what for arguments, what in examples.items()}
        widest = max(map(len, lines))
        shown = ["examples:", *(f"  {line:{widest}}  # {what}" for line, what in lines.items())]
        super().__init__(
            prog=prog,
            description="\n\n".join(textwrap.fill(part, 78) for part in about.strip().split("\n\n")),
            epilog="\n".join([*shown, *(["", more] if more else [])]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **settings,
        )
        self.register("action", None, GivenOnce)  # argparse's own keeps the last value

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As argparse's, with the nearest option where one is unknown."""
        typed = list(sys.argv[1:] if args is None else args)
        if unknown := self._unknown(typed):  # first: argparse may take the value of one for something else
            self._refuse(unknown)
        options, unknown = self.parse_known_args(typed, namespace)
        if unknown:
            self._refuse(unknown)
        return options

    def _unknown(self, typed: Sequence[str]) -> list[str]:
        """The options that this command doesn't have; each of its own may be shortened."""
        long = [word for word in typed[: [*typed, "--"].index("--")] if word.startswith("--")]
        return [word for word in long if not any(one.startswith(word.partition("=")[0]) for one in self._options())]

    def _refuse(self, unknown: Sequence[str]) -> NoReturn:
        """End with the nearest options, or with all of them."""
        options = self._options()
        near = meant(unknown, options)
        known = ", ".join(dict.fromkeys(option for option in options if option.startswith("--")))
        hint = f"known: {known}" if any(word.startswith("-") for word in unknown) else "--help shows what it takes"
        self.error(f"unrecognized arguments: {' '.join(unknown)}; {f'did you mean {near}?' if near else hint}")

    def _options(self) -> list[str]:
        """The options of this command and of its subcommands."""
        parsers: list[argparse.ArgumentParser] = [self]
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                parsers += action.choices.values()
        return [option for parser in parsers for option in parser._option_string_actions]

    def _check_value(self, action: argparse.Action, value: Any) -> None:  # Python 3.14 has `suggest_on_error`
        if action.choices is not None and value not in action.choices:
            near = did_you_mean(value, map(str, action.choices))
            if isinstance(action, argparse._SubParsersAction) and len(action.choices) == 1 and "did you" not in near:
                near += f"; did you mean `{self.prog} {next(iter(action.choices))} {value}`?"
            raise argparse.ArgumentError(action, f"unknown value {value!r}{near}")


def meant(unknown: Sequence[str], options: Sequence[str]) -> str:
    """The options that were probably meant by unknown arguments, in words; "" if none is near."""
    names = [argument.partition("=")[0].removeprefix("--") for argument in unknown if argument.startswith("--")]
    long = [option.removeprefix("--") for option in options if option.startswith("--")]
    near = [f"--{found[0]}" for name in names if (found := nearest(name, long))]
    return " and ".join(dict.fromkeys(near))


DONE, FOUND, REFUSED, FAILED, INTERRUPTED = 0, 1, 2, 3, 130
"""The exit statuses of all commands: done; a finding, such as something worse; wrong use or bad input; it failed."""

_NO_FAULT_OF_THE_USER = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def run(main: Callable[[], int | None]) -> NoReturn:
    """End the process with the exit status of a command."""
    sys.exit(ended(main))


def ended(main: Callable[[], int | None]) -> int:
    """Run a command to its exit status: that of `main`, None for `DONE`; an exception is never a finding.

    Python itself ends with 1 after a traceback, which means a finding here.
    """
    pipe.open_streams()
    try:
        return main() or DONE
    except SystemExit as end:
        if not isinstance(end.code, str):
            raise
        print(end.code, file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except (OSError, MemoryError) as error:
        print(f"{str(error) or 'there is not enough memory'}; look at the disk and the memory", file=sys.stderr)
    except Exception:
        traceback.print_exc()
        print("this is a fault of the command itself; report it with the lines above", file=sys.stderr)
    pipe.discard_output()
    return FAILED


def folder(text: str) -> Path:
    """The type of an option that names a folder to write to, which may not exist yet."""
    path = Path(text)
    nearest_one = next(one for one in (path, *path.absolute().parents) if os.path.exists(one))
    if not (nearest_one.is_dir() and os.access(nearest_one, os.W_OK)):
        raise argparse.ArgumentTypeError(f"nothing can be written in {str(nearest_one)!r}; choose another folder")
    return path


def status_of(error: Exception) -> int:
    """Whether an error that a command explains is of its input or of the machine, as an exit status."""
    return FAILED if isinstance(error, OSError) and error.errno in _NO_FAULT_OF_THE_USER else REFUSED
