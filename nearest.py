"""Unknown names in error messages: the nearest known one, and what is known. Every room may import this."""

import os
import re
from collections.abc import Collection, Iterable
from difflib import SequenceMatcher
from pathlib import Path

MOST = 10
"""How many known names a message holds."""
LIKE = 0.6
"""The least similarity (difflib's ratio) of a name that is suggested."""
LIKE_STEMS = 0.5
"""The least similarity of the names of two files without their type, which is alike in any case."""
OTHER_WORDS = {
    "gpu": ("cuda", "mps"),
    "nvidia": ("cuda",),
    "rocm": ("cuda",),
    "hip": ("cuda",),
    "amd": ("cuda",),
    "metal": ("mps",),
    "apple": ("mps",),
    "fp64": ("float64",),
    "f64": ("float64",),
    "double": ("float64",),
    "fp32": ("float32",),
    "f32": ("float32",),
    "float": ("float32",),
    "single": ("float32",),
    "fp16": ("float16",),
    "f16": ("float16",),
    "half": ("float16",),
    "bf16": ("bfloat16",),
    "backward": ("forward+backward",),
    "nchw": ("contiguous",),
    "nhwc": ("channels_last",),
}
"""What people call a thing elsewhere, and its names here."""


def did_you_mean(name: object, known: Iterable[str], *, every: str = "") -> str:
    """The end of an error about an unknown name: the nearest known names, and what is known.

    Args:
        name: as it was typed.
        known: the valid names; empty ones are left out. Of more than `MOST` the nearest are listed.
        every: a command that lists all of them.
    """
    names = [one for one in dict.fromkeys(known) if one]
    near = nearest(str(name), names)
    question = f" did you mean {' or '.join(map(repr, near))}?{_number(str(name), near)}" if near else ""
    return f";{question} known: {some_of(names, near_to=str(name))}{f'; `{every}` lists all' if every else ''}"


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The known names that were probably meant: by another word for it, its beginning, or its letters."""
    names, typed = list(known), _plain(name)
    if typed in OTHER_WORDS and (meant := [one for one in OTHER_WORDS[typed] if one in names]):
        return meant
    if same := [one for one in names if _plain(one) == typed]:
        return same[:1]
    best = max(names, key=lambda one: _likeness(typed, one), default="")
    return [best] if best and _likeness(typed, best) >= LIKE and _stems_alike(typed, best) else []


def some_of(names: Iterable[str], *, near_to: str = "", most: int = MOST) -> str:
    """The names, or `most` of them, nearest first, and how many more there are."""
    shown = list(names)
    if len(shown) <= most:
        return ", ".join(shown)
    if near_to:
        shown.sort(key=lambda one: -_likeness(_plain(near_to), one))
    return f"{', '.join(shown[:most])} and {len(shown) - most} more"


def no_file(path: Path, suffixes: Collection[str], what: str = "file") -> str:
    """The error about a file that does not exist: the nearest file of its folder, and those of these types there."""
    missing, folder = f"there is no {what} {str(path)!r}", path.parent
    if not os.path.isdir(folder):
        return f"{missing}: there is no folder {str(folder)!r}; check the path"
    alike = files_of(folder, suffixes)
    return f"{missing}{did_you_mean(path.name, alike)}" if alike else f"{missing}; check the path"


def files_of(folder: Path, suffixes: Collection[str]) -> list[str]:
    """The names of the files of these types in a folder, sorted; hidden ones are left out."""
    files = (one for one in folder.iterdir() if one.suffix.lower() in suffixes and not one.name.startswith("."))
    return sorted(one.name for one in files if one.is_file())


def joined(text: str, suffixes: Collection[str]) -> list[str]:
    """The files of these types that are joined in one word, as in "x.npy,y.npy"; none if it is one file."""
    parts = list(filter(None, re.split(r"[,;\s]+", text)))
    return parts if len(parts) > 1 and all(Path(part).suffix.lower() in suffixes for part in parts) else []


def _number(name: str, near: list[str]) -> str:
    """What to do about a device with a number."""
    numbered = re.fullmatch(r"\w+:(\d+)", name)
    if not numbered or near != ["cuda"]:
        return ""
    return f" A device has no number here: CUDA_VISIBLE_DEVICES={numbered[1]} selects the GPU;"


def _plain(name: str) -> str:
    """The name without what people add or write differently: capitals, `torch.`, dashes, a device's number."""
    plain = name.strip().casefold().removeprefix("torch.").replace("-", "_")
    return re.sub(r":\d+$", "", plain)


def _stems_alike(typed: str, known: str) -> bool:
    """Whether two files of one type are alike without it; True for all other names."""
    suffix, plain = Path(typed).suffix, _plain(known)
    if not suffix or not plain.endswith(suffix):
        return True
    stems = (typed.removesuffix(suffix), plain.removesuffix(suffix))
    return SequenceMatcher(None, *stems).ratio() >= LIKE_STEMS


def _likeness(typed: str, known: str) -> float:
    plain = _plain(known)
    if len(typed) > 2 and plain.startswith(typed):
        return 0.9 + len(typed) / len(plain) / 10  # half a name is more often meant than a misspelt one
    return SequenceMatcher(None, typed, plain).ratio()
