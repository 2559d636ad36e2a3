"""What each flag means, in a few words for a reader of a report. Torch-free."""

from collections.abc import Mapping

MEANINGS: Mapping[str, str] = {
    "autocorrelated": "successive ratios correlate",
    "busy_machine": "other programs used the processors",
    "coarse_timer": "too short for the clock",
    "disturbed": "the machine was never quiet while it was timed",
    "drift": "its time drifted",
    "fell_back": "parts of it ran uncompiled",
    "few_rounds": "few rounds",
    "gpu_shared": "other programs used the GPU",
    "graph_breaks": "compiled in several parts",
    "launch_bound": "launching it takes longer than running it",
    "leaks": "each call keeps memory",
    "page_faults": "each call asks the system for memory",
    "recompiled": "compiled again while it was timed",
    "reuses_result": "a call overwrites the result before it",
    "rows_sampled": "a sample of its rows was checked",
    "sped_up": "early calls were much slower",
    "stolen_time": "the virtual machine's host withheld processors",
    "switched": "often interrupted by other programs",
    "throttled": "the GPU's clock was held back",
    "two_modes": "its times fall into two groups",
}


def meaning(flag: str) -> str:
    """A flag in words; the flag of a newer version keeps its name."""
    return MEANINGS.get(flag, flag.replace("_", " "))
