"""The eps that prevents a division by 0, and its effect on small rows and rows of zeros."""

import numpy as np
import torch

from suites.known_bugs.bug import COSINE, NORMALIZE, Function, Sighting, bug, number


@bug("pytorch/pytorch#115786", COSINE, "a norm below eps = 1e-8 shrinks the similarity, however large the other norm")
def eps_for_each_norm(similarity: Function) -> Sighting:
    x = torch.tensor([2606.66824394, 2477.72226966, 3251.84008903], dtype=torch.float64)
    y = torch.tensor([3.46822161e-09, 1.82536693e-09, 8.35245752e-09], dtype=torch.float64)
    right = x @ y / x.square().sum().sqrt() / y.square().sum().sqrt()
    return number(similarity(x, y, dim=0).item(), right.item(), 1e-6)


@bug("pytorch/pytorch#115786", "torch.nn:CosineSimilarity", "the documented formula is not the one that runs")
def documented_formula(module: Function) -> Sighting:
    product = r"\cdot \Vert x_2 \Vert _2, \epsilon" in (module.__doc__ or "")
    right = "eps bounds each norm"
    return Sighting(product, "eps bounds the product of the norms" if product else right, right)


@bug("pytorch/pytorch#32137", NORMALIZE, "fp16 rows of zeros become NaN: eps rounds to 0")
def half_zeros_normalized(normalize: Function) -> Sighting:
    return number(normalize(torch.zeros(1, 8).half()).abs().max().item(), 0.0, 0.0)


@bug("pytorch/pytorch#151110", COSINE, "the similarity to an fp16 row of zeros is NaN: eps rounds to 0")
def half_zeros_compared(similarity: Function) -> Sighting:
    return number(similarity(torch.zeros(1, 8).half(), torch.ones(1, 8).half()).item(), 0.0, 0.0)


@bug("pytorch/pytorch#184575", NORMALIZE, "the gradient at a row of zeros is 1 / eps; closed as intended")
def gradient_at_zero(normalize: Function) -> Sighting:
    x = torch.zeros(1, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(normalize(x).sum(), x)
    seen = gradient.abs().max().item()
    return Sighting(seen > 1e6, f"{seen:.3g}", "0 or NaN")


@bug("pytorch/pytorch#153209", COSINE, "an eps beyond the range of fp16 raises an error")
def eps_beyond_half(similarity: Function) -> Sighting:
    x, right = torch.ones(1, 4).half(), "0 or NaN"
    try:
        return Sighting(False, f"{similarity(x, x, eps=1e23).item():.3g}", right)
    except RuntimeError as error:
        return Sighting(True, str(error).partition("\n")[0], right)


@bug("scipy/scipy#6774", "scipy.cluster.hierarchy:linkage", "NaN distances to rows of zeros crash the process")
def linkage_of_zeros(linkage: Function) -> Sighting:
    # The crash ended with SciPy 0.19, and this suite requires a later version: this process is safe.
    right = "an error, or finite heights"
    try:
        heights = np.asarray(linkage([[0, 0], [0, 1]], method="average", metric="cosine"))[:, 2]
    except ValueError:
        return Sighting(False, "an error", right)
    return Sighting(not np.isfinite(heights).all(), f"heights {heights}", right)
