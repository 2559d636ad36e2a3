"""The old name of `suites.plugin.front_door`, for settings of pytest that load it.

It is a module of its own: pytest refuses one module under two names, and ours loads the new name already.
"""

import warnings

from suites.plugin.front_door import default_name

__all__ = ["default_name"]

pytest_plugins = ("suites.plugin.front_door",)

warnings.warn("suites.front_door is now suites.plugin.front_door: load it from there", DeprecationWarning, stacklevel=2)
