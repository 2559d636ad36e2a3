"""The code of an implementation, to be read and copied: the function, and what it uses from its file."""

import ast
import inspect
import textwrap
from collections.abc import Callable

_IMPORTS = (ast.Import, ast.ImportFrom)


def excerpt(fn: Callable[..., object]) -> str:
    """The imports, constants and functions of its file that `fn` needs, and then `fn` without its decorators.

    What it prepares a corpus by counts as needed.

    "" where the source is unknown, as for a function typed into an interpreter.
    """
    try:
        own = textwrap.dedent(inspect.getsource(fn))
        (root,) = ast.parse(own).body
        file = inspect.getsource(inspect.getmodule(fn) or fn)
        rest = ast.parse(file).body
    except (OSError, TypeError, ValueError, SyntaxError):
        return ""
    function = "\n".join(own.splitlines()[root.lineno - 1 :])
    needed = _needed(root, [statement for statement in rest if fn.__name__ not in _defines(statement)])
    lines = file.splitlines()
    blocks = [(s, "\n".join(lines[_first_line(s) - 1 : s.end_lineno])) for s in needed]
    imports = "\n".join(text for s, text in blocks if isinstance(s, _IMPORTS))
    others = [text for s, text in blocks if not isinstance(s, _IMPORTS)]
    return "\n\n\n".join(filter(None, [imports, *others, function]))


def _needed(root: ast.stmt, statements: list[ast.stmt]) -> list[ast.stmt]:
    """The statements that define a name which `root` or another of them uses, in the order of the file."""
    defined = {name: statement for statement in statements for name in _defines(statement)}
    if isinstance(root, ast.FunctionDef):
        calls = [decorator for decorator in root.decorator_list if isinstance(decorator, ast.Call)]
        root.decorator_list = [word.value for call in calls for word in call.keywords]  # such as prepare=unit
    found: set[ast.stmt] = set()
    left = [root]
    while left:
        used = {node.id for node in ast.walk(left.pop()) if isinstance(node, ast.Name)} & {*defined}
        left += {defined[name] for name in used} - found
        found |= {defined[name] for name in used}
    return [statement for statement in statements if statement in found]


def _defines(statement: ast.stmt) -> set[str]:
    if isinstance(statement, _IMPORTS):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _first_line(statement: ast.stmt) -> int:
    """The line of its first decorator, or its own."""
    decorators = statement.decorator_list if isinstance(statement, ast.FunctionDef | ast.ClassDef) else []
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])
