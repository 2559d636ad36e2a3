"""The input of a diagnosis, read and checked: arrays, files, loaders."""
