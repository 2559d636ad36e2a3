"""The network: a VGG for images of 8 x 8 pixels."""

import torch
from torch import nn

HEAD = 64


def small_vgg(channels: int, *, linear_head: bool, seed: int) -> nn.Sequential:
    """Two blocks of VGG: `[N, 1, 8, 8]` to `[N, 8 * channels]`, all positive, or to `[N, 64]` with a linear head.

    A block is two 3 x 3 convolutions with ReLU, and a pooling to half the size. Weights are random from `seed`, in
    float32. Source: K. Simonyan and A. Zisserman, Very deep convolutional networks, ICLR 2015.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [*_block(1, channels), *_block(channels, 2 * channels), nn.Flatten()]
        return nn.Sequential(*layers, *([nn.Linear(8 * channels, HEAD)] if linear_head else []))


def _block(inputs: int, outputs: int) -> list[nn.Module]:
    convolutions = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
    return [convolutions[0], nn.ReLU(), convolutions[1], nn.ReLU(), nn.MaxPool2d(2)]
