"""16-bit similarities: their error, and the number of distinct values."""

import torch

from suites.known_bugs.bug import COSINE, Function, Sighting, bug, rows


@bug("pytorch/pytorch#170684", COSINE, "bf16 is rounded at each step; compiled code rounds once")
def rounded_at_each_step(similarity: Function) -> Sighting:
    x = rows(1500, 512)
    x, y = x.bfloat16(), (x + rows(1500, 512, seed=1)).bfloat16()
    wide = x.double(), y.double()
    right = (wide[0] * wide[1]).sum(1) / (wide[0].square().sum(1) * wide[1].square().sum(1)).sqrt()
    seen = (similarity(x, y).double() - right).abs().max().item()
    once = torch.finfo(torch.bfloat16).eps / 4  # half the spacing in [1/2, 1), the range of these similarities
    return Sighting(not seen < 1.1 * once, f"off by {seen:.2g}", f"off by {once:.2g}, one rounding")


@bug(
    "huggingface/sentence-transformers#3894",
    "sentence_transformers.util:cos_sim",
    "different similarities get the same bf16 value",
)
def ties(similarity: Function) -> Sighting:
    x, y = rows(32, 256), rows(32, 256, seed=1)
    distinct = len(similarity(x.bfloat16(), y.bfloat16()).unique())
    return Sighting(distinct < 800, f"{distinct} values of 1,024 pairs", "about 1,024")
