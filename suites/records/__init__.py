"""The contents of a run: cases, records and findings, and their lines in a file. Torch-free."""
