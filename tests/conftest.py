"""What is installed beside the checkout takes no part in its tests: a bug there would be theirs."""

from implementations import discovery, registry

registry.sources[:] = [discovery.load_folder]
