"""The truth: true answers, how far an answer is from them, and the bound it must keep."""
