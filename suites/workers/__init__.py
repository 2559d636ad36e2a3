"""Worker processes: contestants run in them, never in the process of pytest, and what ends one is found and named."""
