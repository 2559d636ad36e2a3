"""What is handed over, checked and read: arrays, files, loaders."""
