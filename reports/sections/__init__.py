"""The sections of a report, one place each: its numbers, table to table, and the words that they are read in."""
