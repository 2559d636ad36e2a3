"""True answers, the distance of an answer from them, and the bound that it must keep."""
