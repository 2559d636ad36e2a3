"""The heap: as found, or pinned, which makes calls independent of earlier ones.

glibc keeps or returns the pages of a freed temporary depending on earlier calls. So the same call may take a page fault
for each 4 KiB, or none. In a pinned process all temporaries come from a heap that only grows.
"""

import ctypes

REGIMES = ("found", "pinned")
_MALLOPT = {"M_MMAP_MAX": (-4, 0), "M_TRIM_THRESHOLD": (-1, 2**31 - 1), "M_TOP_PAD": (-2, 1 << 28)}  # malloc.h


class AllocatorError(ValueError):
    """An allocator regime that this machine does not support."""


def pin() -> None:
    """Make the heap of this process keep its memory, with no mapping of large blocks and no trimming, for good.

    Raises:
        AllocatorError: the C library is not glibc, or refuses.
    """
    libc = ctypes.CDLL(None)
    refused = [name for name, (key, value) in _MALLOPT.items() if not _mallopt(libc, key, value)]
    if refused:
        raise AllocatorError(
            f"the allocator cannot be pinned: this C library refuses {' and '.join(refused)} (glibc's mallopt); "
            "--allocator found measures with it as it is"
        )


def _mallopt(libc: ctypes.CDLL, key: int, value: int) -> bool:
    return hasattr(libc, "mallopt") and libc.mallopt(key, ctypes.c_int(value)) == 1
