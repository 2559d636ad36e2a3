"""What a run consists of: cases, records and findings, and their lines in a file. Free of torch."""
