"""The implementations: one small file each, ready to copy and paste.

`get(name).fn` is an implementation's function; `load()` fills the registry.
"""

from implementations import discovery, registry
from implementations.registry import Implementation, get, load, names

__all__ = ["Implementation", "get", "load", "names"]

registry.sources += [discovery.load_folder, discovery.load_entry_points]
