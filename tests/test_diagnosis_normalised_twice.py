"""Are inputs that are normalised twice named as such, rather than sound layers behind them?"""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diagnosis import Diagnosis, diagnose
from diagnosis.isolation import seeded
from diagnosis.probes.preprocessing import first_features, known_normalisation_undone, own_normalisation_undone

ROWS = 200
MEAN, STD = (torch.tensor(v).view(3, 1, 1) for v in ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]))


def images() -> Tensor:
    return F.interpolate(255 * torch.rand(ROWS, 3, 4, 4), size=16, mode="bilinear")


def last(images: Tensor) -> Tensor:
    return images.permute(0, 2, 3, 1)


def enlarged_and_in_bgr(images: Tensor) -> Tensor:
    return F.interpolate(images.flip(1), size=24, mode="bilinear")


class Normalising(nn.Module):
    """Normalises its inputs itself, before its body."""

    def __init__(self, body: nn.Module, mean: Tensor | float, std: Tensor | float) -> None:
        super().__init__()
        self.body, self.mean, self.std = body, mean, std
        self.first: Callable[[Tensor], Tensor] = lambda inputs: inputs

    def forward(self, inputs: Tensor) -> Tensor:
        normalised = (self.first(inputs) - self.mean) / self.std
        return self.body(normalised).flatten(1)


def convolutions() -> nn.Sequential:
    first = nn.Conv2d(3, 32, 3, 2), nn.BatchNorm2d(32), nn.ReLU()
    return nn.Sequential(*first, nn.Conv2d(32, 64, 3, 2), nn.BatchNorm2d(64))


def perceptron() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(768, 128), nn.Tanh(), nn.Linear(128, 32))


class Patches(nn.Module):
    """A vision transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.places = nn.Conv2d(3, 48, 4, 4), nn.Parameter(0.02 * torch.randn(16, 48))
        self.layer = nn.TransformerEncoderLayer(48, 4, 96, batch_first=True)

    def forward(self, images: Tensor) -> Tensor:
        states: Tensor = self.layer(self.patches(images).flatten(2).mT + self.places)
        return states.mean(1)


class Recurrent(nn.Module):
    """The last state of a series `[N, 1, T]`."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.GRU(1, 32, batch_first=True)

    def forward(self, series: Tensor) -> Tensor:
        states: Tensor = self.cells(series.mT)[0]
        return states[:, -1]


def settled(model: nn.Module, inputs: Tensor) -> nn.Module:
    """The model in eval mode, with the running statistics of these inputs."""
    for _ in range(40):
        model(inputs[torch.randint(len(inputs), (64,))])
    return model.eval()


def seen_right(body: nn.Module, first: Callable[[Tensor], Tensor] | None = None) -> tuple[nn.Module, Tensor]:
    """A model that normalises by ImageNet's constants and has seen its own kind of inputs; and these."""
    pixels, model = images(), Normalising(body, MEAN, STD)
    if first is not None:
        model.first = first
    return settled(model, pixels), pixels


def once(pixels: Tensor) -> Tensor:
    return (pixels - MEAN) / STD


def with_batch_normalisation() -> tuple[nn.Module, Tensor]:
    model, pixels = seen_right(convolutions())
    return model, once(pixels)


def by_other_constants() -> tuple[nn.Module, Tensor]:
    model, pixels = seen_right(convolutions())
    return model, pixels / 127.5 - 1


def each_image_by_itself() -> tuple[nn.Module, Tensor]:
    model, pixels = seen_right(convolutions())
    return model, (pixels - pixels.mean((1, 2, 3), keepdim=True)) / pixels.std((1, 2, 3), keepdim=True)


def with_a_transformer() -> tuple[nn.Module, Tensor]:
    model, pixels = seen_right(Patches())
    return model, once(pixels)


def with_a_perceptron_and_unknown_constants() -> tuple[nn.Module, Tensor]:
    pixels = images()
    return Normalising(perceptron(), 91.0, 44.0).eval(), once(pixels)


def resized_and_reversed_first() -> tuple[nn.Module, Tensor]:
    model, pixels = seen_right(convolutions(), enlarged_and_in_bgr)
    return model, once(pixels)


def channels_last() -> tuple[nn.Module, Tensor]:
    model = Normalising(convolutions(), MEAN, STD)
    model.first = lambda inputs: inputs.permute(0, 3, 1, 2)
    pixels = images()
    return settled(model, last(pixels)), last(once(pixels))


def series_of_kelvin() -> tuple[nn.Module, Tensor]:
    days = 288 + 2 * torch.randn(ROWS, 1, 48).cumsum(-1)
    return Normalising(Recurrent(), 288.0, 8.0).eval(), (days - 288) / 8


def table_behind_batch_normalisation() -> tuple[nn.Module, Tensor]:
    columns = torch.randn(ROWS, 12) * torch.logspace(0, 3, 12) + torch.logspace(1, 4, 12)
    model = settled(
        nn.Sequential(nn.BatchNorm1d(12), nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 32)), columns.repeat(4, 1)
    )
    return model, (columns - columns.mean(0)) / columns.std(0)


def both_before_the_model() -> tuple[nn.Module, Tensor]:
    pixels = images()
    return settled(Normalising(convolutions(), 0.0, 1.0), once(pixels)), once(once(pixels))


@pytest.mark.parametrize("make", [
    with_batch_normalisation, by_other_constants, each_image_by_itself, with_a_transformer,
    with_a_perceptron_and_unknown_constants, resized_and_reversed_first, channels_last, series_of_kelvin,
    table_behind_batch_normalisation, both_before_the_model,
])  # fmt: skip
def test_inputs_normalised_twice_are_named_and_undoing_one_mends_it(
    make: Callable[[], tuple[nn.Module, Tensor]],
) -> None:
    found = _asked(make)
    assert found.causes[0].name == "over_normalised_inputs"
    probe = found.causes[0].counterfactual
    assert probe is not None
    assert probe.flips
    assert probe.change.startswith("undo")
    assert "not at all if the model does it" in found.causes[0].remedy


def test_the_sound_network_of_a_report_needs_one_normalisation_undone() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = convolutions()

        def forward(self, pixels: Tensor) -> Tensor:
            return self.body((pixels - MEAN) / STD).flatten(1)

    with seeded():
        pixels = F.interpolate(255 * torch.rand(400, 3, 4, 4), size=16, mode="bilinear")
        net = Net()
        for _ in range(60):
            net(pixels[torch.randint(400, (64,))])
    (cause,) = diagnose(model=net.eval(), inputs=once(pixels)).causes
    assert cause.name == "over_normalised_inputs"
    assert cause.counterfactual is not None
    assert cause.counterfactual.before > 0.999
    assert cause.counterfactual.after == pytest.approx(0.002, abs=0.005)


def _asked(make: Callable[[], tuple[nn.Module, Tensor]]) -> Diagnosis:
    with seeded():
        model, inputs = make()
    return diagnose(model=model, inputs=inputs)


def test_the_same_model_is_healthy_with_raw_inputs_and_its_wrong_statistics_are_still_found() -> None:
    assert _asked(lambda: seen_right(convolutions())).verdict == "healthy"

    def spoilt() -> tuple[nn.Module, Tensor]:
        model, pixels = seen_right(convolutions())
        norm = model.get_submodule("body.1")
        norm.running_mean += 50  # type: ignore[operator]
        norm.running_var *= 1000  # type: ignore[operator]
        return model, pixels

    assert _asked(spoilt).causes[0].name == "batchnorm_misuse"


@pytest.mark.parametrize("spoil", [
    lambda net: net[-1].bias.fill_(50),
    lambda net: net[1].bias.fill_(-50),
])  # fmt: skip
def test_a_fault_of_the_network_is_not_laid_to_normalised_inputs(spoil: Callable[[nn.Sequential], object]) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(768, 128), nn.ReLU(), nn.Linear(128, 32))
    with seeded(), torch.no_grad():
        inputs = once(images())
        spoil(net)
    found = diagnose(model=Normalising(net, 0.1, 0.9).eval(), inputs=inputs)
    assert found.causes
    assert "over_normalised_inputs" not in [cause.name for cause in found.causes]


def test_the_models_own_constants_are_read_from_its_answers() -> None:
    model, pixels = Normalising(nn.Conv2d(3, 4, 3), MEAN, STD), images()[:8]
    undo = own_normalisation_undone(model, pixels)
    assert undo is not None
    torch.testing.assert_close(undo(once(pixels)), pixels, atol=1e-2, rtol=1e-4)
    seen = first_features(model, undo(once(pixels)))
    torch.testing.assert_close(seen, once(pixels), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("body", [nn.Conv2d(3, 4, 3), nn.Sequential(nn.GroupNorm(1, 3), nn.Conv2d(3, 4, 3)), nn.ReLU()])
def test_without_constants_of_its_own_there_is_nothing_to_undo(body: nn.Module) -> None:
    assert own_normalisation_undone(Normalising(body, 0.0, 1.0), images()[:8]) is None


@pytest.mark.parametrize(("again", "name"), [
    (once, "ImageNet's mean and deviation, of pixels in 0 to 255"),
    (lambda inputs: (inputs - 127.5) / 127.5, "mean and deviation of 0.5, of pixels in 0 to 255"),
    (lambda inputs: inputs / 255, "division by 255"),
])  # fmt: skip
def test_a_known_normalisation_that_was_made_again_is_found_by_name(
    again: Callable[[Tensor], Tensor], name: str
) -> None:
    with seeded():
        given = once(images())
    found = known_normalisation_undone(again(given))
    assert found is not None
    assert found[0] == name
    torch.testing.assert_close(found[1](again(given)), given, atol=1e-3, rtol=1e-3)
    assert known_normalisation_undone(1000 * given) is None
