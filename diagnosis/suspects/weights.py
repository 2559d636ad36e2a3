"""Detectors of `weights_not_loaded`: the model holds other weights than it should, or untrained ones."""

import math
from collections.abc import Mapping
from functools import partial

import torch
from scipy import stats
from torch import nn

from diagnosis.probes.layers import WEIGHTED
from diagnosis.probes.model import embed, rerun, source
from diagnosis.signature.signature import Signature
from diagnosis.subject import Subject
from diagnosis.suspects.suspect import Clue

_UNLIKELY = 1e-3  # p-value; all of about ten layers must pass
_NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)


def other_weights(subject: Subject, signature: Signature) -> Clue | None:
    """Does the model hold other weights than the given ones?"""
    if subject.model is None or subject.weights is None:
        return None
    held, weights = subject.model.state_dict(), subject.weights
    missing, unexpected = sorted(held.keys() - weights.keys()), sorted(weights.keys() - held.keys())
    differing = [name for name in held.keys() & weights.keys() if not _equal(held[name], weights[name])]
    if not missing and not unexpected and not differing:
        return None
    found = matched(held, weights)
    evidence: dict[str, int | str] = {
        "missing_keys": len(missing),
        "unexpected_keys": len(unexpected),
        "differing_weights": len(differing),
        "first": (missing + unexpected + sorted(differing))[0],
        "loaded_by_the_end_of_their_names": len(found),
    }

    def load(model: nn.Module) -> None:
        model.load_state_dict(found, strict=False)

    possible = source(subject) and found
    return Clue(
        confidence=1.0,
        evidence=evidence,
        change="load the weights" if possible else "",
        repair=(lambda: rerun(subject, load)) if possible else None,
    )


def matched(held: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """For each name in the model, the weight of that name, or the only one with a longer or shorter prefix.

    "module.encoder.0.weight" of a DataParallel checkpoint matches "encoder.0.weight", and vice versa.
    """
    found = {}
    for name, tensor in held.items():
        ends = [key for key in weights if f".{key}".endswith(f".{name}") or f".{name}".endswith(f".{key}")]
        key = name if name in weights else ends[0] if len(ends) == 1 else None
        if key is not None and weights[key].shape == tensor.shape:
            found[name] = weights[key]
    return found


def untrained_weights(subject: Subject, signature: Signature) -> Clue | None:
    """Do most layers hold their initial weights, if no weights are given to compare with?"""
    if subject.model is None or subject.weights is not None or signature.mean_cosine <= 0.9:
        return None
    if signature.repeated_share > 0.5:  # random weights make rows similar, but not equal
        return None
    layers = {name: module for name, module in subject.model.named_modules() if isinstance(module, WEIGHTED + _NORMS)}
    untouched = [name for name, module in layers.items() if is_untouched(module)]
    weighted = [name for name, module in layers.items() if isinstance(module, WEIGHTED)]
    share, found = len(untouched) / max(len(layers), 1), source(subject)
    if share < 1 / 2 or not set(untouched) & set(weighted):
        return None
    return Clue(
        confidence=0.8 if share == 1 else 0.6,  # a model before training looks like this
        evidence={"share_of_layers_as_initialised": share, "layers": len(layers), "first": untouched[0]},
        change="fit each layer to the data" if found else "",
        repair=(lambda: rerun(subject, partial(fit_to_data, inputs=found.inputs))) if found else None,
    )


def fit_to_data(model: nn.Module, inputs: torch.Tensor) -> None:
    """Scale each layer so that its outputs have mean 0 and spread 1 on the inputs, as training would.

    Data-dependent initialisation (arXiv 1511.06856), in one forward pass.
    """

    def fit(module: nn.Module, given: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        assert isinstance(module, WEIGHTED)
        channels = 1 if isinstance(module, nn.modules.conv._ConvNd) else -1
        std, mean = torch.std_mean(output.movedim(channels, 0).flatten(1), 1)
        std = std.clamp(min=torch.finfo(std.dtype).tiny)
        module.weight.div_(std.reshape(-1, *[1] * (module.weight.ndim - 1)))
        if module.bias is not None:
            module.bias.sub_(mean).div_(std)
        fitted: torch.Tensor = module.forward(*given)
        return fitted

    hooks = [module.register_forward_hook(fit) for module in model.modules() if isinstance(module, WEIGHTED)]
    embed(model, inputs)
    for hook in hooks:
        hook.remove()


def is_untouched(module: nn.Module) -> bool:
    """Whether a layer's parameters look initialised by PyTorch or by a common scheme.

    Norm layers start at exactly 1 and 0. Weights start uniform in +-1/sqrt(fan_in); or, with biases of exactly 0,
    normal or uniform around 0. Training soon moves some weights out of these bounds. The tests are
    Kolmogorov-Smirnov's.
    """
    weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
    if weight is None:
        return True
    if isinstance(module, _NORMS):
        return bool((weight == 1).all()) and (bias is None or not bias.any())
    sample = weight.detach().flatten()[:: max(1, weight.numel() // 5000)].double().cpu().numpy()
    bound = 1 / math.sqrt(weight[0].numel())
    if float(weight.detach().abs().max()) <= bound * 1.005:  # bfloat16 rounds by 0.4 %
        return bool(stats.kstest(sample, stats.uniform(-bound, 2 * bound).cdf).pvalue > _UNLIKELY)
    if bias is None or bias.any():
        return False
    widest = float(abs(sample).max())
    return any(
        stats.kstest(sample, law.cdf).pvalue > _UNLIKELY
        for law in (stats.norm(0, sample.std()), stats.uniform(-widest, 2 * widest))
    )


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b.to(a))
