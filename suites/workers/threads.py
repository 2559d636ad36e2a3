"""Torch's threads in a process that forks workers."""

import torch


def single_thread() -> int:
    """Keep torch to one thread in this process, and return how many it had: a fork of its thread pool hangs."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    return threads
