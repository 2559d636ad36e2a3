"""`CollapseMonitor` as a callback of Lightning, where that is installed."""

import sys
from importlib import import_module
from typing import Any

from diagnosis.monitor import CollapseMonitor
from diagnosis.subject import DiagnosisError

NAMES = ("lightning.pytorch", "pytorch_lightning")


def _callback() -> Any:
    """The base class, from the Lightning that is imported, or else installed."""
    for name in sorted(NAMES, key=lambda name: name not in sys.modules):
        try:
            return import_module(f"{name}.callbacks").Callback
        except ModuleNotFoundError as missing:
            if not f"{name}.callbacks".startswith(missing.name or name):
                raise  # Lightning is there, and something that it needs is not
    raise ImportError(
        "diagnosis.lightning needs Lightning, and neither lightning nor pytorch_lightning is installed: "
        "`pip install lightning`; without it, CollapseMonitor watches any loop"
    )


class CollapseCallback(_callback()):  # type: ignore[misc]  # of whichever Lightning there is
    """Warns when embeddings collapse in training, as `CollapseMonitor` does; steps are the trainer's `global_step`.

        Trainer(callbacks=[CollapseCallback("encoder.head")])

    Args:
        module: name of the module, within the LightningModule, whose output is the embeddings.
        options: of `CollapseMonitor`.

    Raises:
        DiagnosisError: there is no module of that name; raised when training starts.
    """

    def __init__(self, module: str, **options: Any) -> None:
        super().__init__()
        self._module, self._options = module, options
        self.monitor: CollapseMonitor | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Start watching."""
        modules = dict(pl_module.named_modules())
        if self._module not in modules:
            known = ", ".join(filter(None, modules))
            raise DiagnosisError(f"the {type(pl_module).__name__} has no module {self._module!r}; it has {known}")
        self.monitor = CollapseMonitor(modules[self._module], **self._options)
        self.monitor.step(trainer.global_step)
        self.monitor.attach()

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        """End a step, if the optimiser made one."""
        if self.monitor:
            self.monitor.step(trainer.global_step)

    def on_train_end(self, *_: Any) -> None:
        """Stop watching, and write the curve."""
        if self.monitor:
            self.monitor.detach()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Do the same if training is interrupted; `exception` stays the error."""
        if self.monitor:
            self.monitor.__exit__(type(exception), exception, exception.__traceback__)
