"""The Wave-U-Net of the paper: its counts, its lengths, and its forward pass computed again from first principles."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from soundsieve import models
from soundsieve.errors import SettingsError
from soundsieve.models.wave_unet import CONFIGURATIONS, Upsampling, WaveUNet, WaveUNetSettings

TINY = WaveUNetSettings(L=3, F_c=3, f_d=5, f_u=3)
VARIANTS = {
    "M1": {"channels": 1, "context": False, "difference": False},
    "M3": {"channels": 1},
    "M6": {},
    "learned": {"upsampling": "learned"},
    "learned, padded": {"upsampling": "learned", "context": False},
    "wide kernel going up": {"f_u": 9, "L": 2},
    "single taps going up": {"f_u": 1, "difference": False},
}


@pytest.fixture(params=VARIANTS)
def model(request: pytest.FixtureRequest) -> WaveUNet:
    return tiny(VARIANTS[request.param])


def tiny(values: dict[str, object], sources: int = 3) -> WaveUNet:
    """In double precision, with biases and weights of interpolation that are not those of an untrained one."""
    torch.manual_seed(1)
    model = WaveUNet(TINY.model_copy(update=values), sources)
    for name, parameter in model.named_parameters():
        if name.endswith("bias") or name.startswith("upsamplings"):
            nn.init.normal_(parameter)
    return model.double().eval()


def full(name: str) -> WaveUNet:
    """One of the paper's, without memory for its weights."""
    with torch.device("meta"):
        return models.build("wave_unet", CONFIGURATIONS[name], 4 if name == "M6" else 2)


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def learned_weights(filters: int = 24, levels: int = 12) -> int:
    return sum(filters * level for level in range(2, levels + 2))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("M1", 10_263_028),
        ("M2", 10_263_028 - 26),  # one output of 24 filters and the mixture, and its bias, less
        ("M3", 10_263_028 - 26),
        ("M4", 10_263_390),
        ("M5", 10_265_550),
        ("M6", 10_263_498),
    ],
)
def test_the_papers_configurations_have_the_published_number_of_parameters(name: str, parameters: int) -> None:
    assert sum(parameter.numel() for parameter in full(name).parameters()) == parameters
    assert 10_263_390 + learned_weights() == 10_265_550


def test_every_level_has_the_papers_number_of_filters() -> None:
    model = full("M6")
    assert [layer[0].out_channels for layer in model.down] == [24 * level for level in range(1, 13)]
    assert model.bottleneck[0].out_channels == 312
    assert [layer[0].out_channels for layer in model.up] == [24 * level for level in range(12, 0, -1)]


@torch.no_grad()
def test_the_length_at_every_level_is_the_papers() -> None:
    """With one filter a level instead of 24, which does not change lengths."""
    model = WaveUNet(WaveUNetSettings(F_c=1), 4)
    taken: list[int] = []
    given: list[int] = []
    for layer in [*model.down, model.bottleneck, *model.up]:
        layer.register_forward_pre_hook(lambda _layer, inputs: taken.append(inputs[0].shape[-1]))
        layer.register_forward_hook(lambda _layer, _inputs, output: given.append(output.shape[-1]))
    assert model(torch.zeros(1, 2, 147_443)).shape == (1, 4, 2, 16_389)
    decimated = [73_715, 36_851, 18_419, 9_203, 4_595, 2_291, 1_139, 563, 275, 131, 59, 23]
    assert taken[:13] == [147_443, *decimated]
    down = [147_429, 73_701, 36_837, 18_405, 9_189, 4_581, 2_277, 1_125, 549, 261, 117, 45]
    up = [13, 21, 37, 69, 133, 261, 517, 1029, 2053, 4101, 8197, 16_389]
    assert given == [*down, 9, *up]


def test_lengths_and_context_are_the_papers() -> None:
    model = full("M6")
    assert model.context == 65_527
    assert model.stride == 4_096
    assert [model.input_length(output) for output in (16_384, 16_389, 16_390)] == [147_443, 147_443, 151_539]
    padded = full("M1")
    assert padded.context == 0
    assert padded.reach == model.reach == 65_532
    assert [padded.input_length(output) for output in (1, 16_384, 16_385)] == [4_096, 16_384, 20_480]


@pytest.mark.parametrize("wanted", [1, 2, 3, 8, 9, 10, 57, 100])
def test_an_input_length_gives_what_was_wanted_and_none_shorter_does(model: WaveUNet, wanted: int) -> None:
    time = model.input_length(wanted)
    output = model(noise(2, model.channels, time))
    assert output.shape == (2, 3, model.channels, time - 2 * model.context)
    assert output.shape[-1] >= wanted
    for shorter in range(1, time):
        if shorter - 2 * model.context >= wanted:
            with pytest.raises(ValueError, match=f"more, found {shorter}$"):
                model(noise(1, model.channels, shorter))


def test_no_output_needs_no_input(model: WaveUNet) -> None:
    with pytest.raises(ValueError, match="expected one sample or more, found 0"):
        model.input_length(0)


def referee(model: WaveUNet, s: WaveUNetSettings, mixture: NDArray[np.float64], sources: int) -> NDArray[np.float64]:
    """The forward pass for one mixture (c, t), in loops over samples and taps, and positions kept beside the values."""
    w = {name: tensor.numpy() for name, tensor in model.state_dict().items()}

    def convolve(x: dict[int, NDArray[np.float64]], name: str, step: int) -> dict[int, NDArray[np.float64]]:
        """What is at a position comes from those `step` apart around it; where one is missing there is no output."""
        kernel, bias = w[name + ".0.weight"], w[name + ".0.bias"]
        half, out = kernel.shape[2] // 2, {}
        nothing = np.zeros(kernel.shape[1])
        for at in x:
            taps = [at + (tap - half) * step for tap in range(kernel.shape[2])]
            if s.context and not all(tap in x for tap in taps):
                continue
            total = bias + sum(kernel[:, :, k] @ x.get(tap, nothing) for k, tap in enumerate(taps))
            out[at] = np.where(total > 0, total, 0.2 * total)
        return out

    x = dict(enumerate(mixture.T))
    skips = []
    for level in range(s.L):
        x = convolve(x, f"down.{level}", 2**level)
        skips.append(x)
        first = min(x)
        x = {at: value for at, value in x.items() if (at - first) % 2 ** (level + 1) == 0}
    x = convolve(x, "bottleneck", 2**s.L)
    for level in range(s.L):
        step = 2 ** (s.L - level - 1)  # between a sample and the one that is put after it
        weight = 0.5
        if s.upsampling == "learned":
            weight = 1 / (1 + np.exp(-w[f"upsamplings.{level}.weight"][:, 0]))
        doubled = dict(x)
        for at, value in x.items():
            if at + 2 * step in x or not s.context:
                doubled[at + step] = weight * value + (1 - weight) * x.get(at + 2 * step, value)
        skip = skips.pop()
        joined = {at: np.concatenate([skip[at], value]) for at, value in doubled.items()}
        x = convolve(joined, f"up.{level}", step)
    kernel, bias = w["output.weight"][:, :, 0], w["output.bias"]
    columns = []
    for at in sorted(x):
        estimates = np.tanh(kernel @ np.concatenate([mixture[:, at], x[at]]) + bias).reshape(-1, s.channels)
        if s.difference:
            estimates = np.concatenate([estimates, [mixture[:, at] - estimates.sum(0)]])
        columns.append(estimates)
    assert min(x) == model.context
    assert max(x) == mixture.shape[1] - model.context - 1
    assert columns[0].shape == (sources, s.channels)
    return np.stack(columns, axis=-1)


@torch.no_grad()
@pytest.mark.parametrize("name", VARIANTS)
def test_forward_pass_agrees_with_the_referee(name: str) -> None:
    """Which keeps positions in the mixture beside all values: nothing is ever moved in time."""
    model = tiny(VARIANTS[name])
    mixture = noise(2, model.channels, model.input_length(20))
    estimate = model(mixture).numpy()
    for row in range(2):
        again = referee(model, TINY.model_copy(update=VARIANTS[name]), mixture[row].numpy(), 3)
        np.testing.assert_allclose(estimate[row], again, atol=1e-12)


@torch.no_grad()
def test_sources_add_up_to_the_middle_of_the_mixture(model: WaveUNet) -> None:
    mixture = 3 * noise(2, model.channels, model.input_length(50))
    sources = model(mixture)
    middle = mixture[..., model.context : mixture.shape[-1] - model.context]
    if model.difference:
        assert torch.equal(sources[:, -1], middle - sources[:, :-1].sum(1))
        torch.testing.assert_close(sources.sum(1), middle, atol=1e-14, rtol=0)
        assert sources[:, -1].abs().max() > 1, "the last one must not be squashed"
    else:
        assert (sources.sum(1) - middle).abs().max() > 0.1
        assert sources.abs().max() <= 1


def test_every_parameter_learns(model: WaveUNet) -> None:
    sources = model(noise(2, model.channels, model.input_length(200)))
    (sources - noise(*sources.shape)).square().mean().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


@torch.no_grad()
def test_the_output_follows_shifts_by_the_stride_and_no_others() -> None:
    model = tiny({})
    mixture = noise(1, 2, model.input_length(60) + model.stride)
    whole = model(mixture)
    torch.testing.assert_close(model(mixture[..., model.stride :]), whole[..., model.stride :], atol=1e-12, rtol=0)
    for shift in (1, model.stride // 2):
        moved = model(mixture[..., shift : shift - model.stride])
        length = moved.shape[-1]
        assert (moved - whole[..., shift : shift + length]).abs().max() > 1e-3


def test_nothing_out_of_reach_has_an_influence_and_what_is_at_its_edge_has(model: WaveUNet) -> None:
    """Measured with gradients, for a stretch of output far from both ends."""
    begin = 20 * model.stride
    end = begin + 2 * model.stride
    mixture = noise(1, model.channels, model.input_length(50 * model.stride)).requires_grad_()
    output = model(mixture)
    output[..., begin:end].square().sum().backward()
    seen = mixture.grad.abs().sum((0, 1)).nonzero() - model.context  # positions in the output
    assert int(seen.min()) >= begin - model.reach
    assert int(seen.max()) < end + model.reach
    f_u = model.up[0][0].kernel_size[0]
    # Padded, the samples kept by every level are at multiples of the stride; else they are half a kernel later.
    assert begin - int(seen.min()) == model.reach - f_u + (0 if model.context else f_u // 2)


@pytest.mark.parametrize(
    ("whole", "expected"), [(False, [1.0, 2.0, 3.0, 0.0, -3.0]), (True, [1.0, 2.0, 3.0, 0.0, -3.0, -3.0])]
)
def test_linear_upsampling_puts_averages_between(whole: bool, expected: list[float]) -> None:
    upsampling = Upsampling(1, learned=False, whole=whole)
    assert upsampling(torch.tensor([[[1.0, 3.0, -3.0]]])).flatten().tolist() == expected


def test_learned_upsampling_weighs_each_filter_and_starts_as_linear() -> None:
    x = torch.tensor([[[1.0, 3.0], [1.0, 3.0]]])
    learned = Upsampling(2, learned=True, whole=False)
    assert torch.equal(learned(x), Upsampling(2, learned=False, whole=False)(x))
    with torch.no_grad():
        learned.weight.copy_(torch.tensor([[100.0], [-np.log(3)]]))  # sigmoids of 1 and ¼
    torch.testing.assert_close(learned(x), torch.tensor([[[1.0, 1.0, 3.0], [1.0, 2.5, 3.0]]]))


def test_initial_weights_are_glorots() -> None:
    """Uniform up to √(6 / (what one output sees + what one input feeds)), each source by itself; biases 0."""
    torch.manual_seed(0)
    model = WaveUNet(WaveUNetSettings(L=2, F_c=24), classes=4)
    limits = {"down.0.0": 6 / (15 * (2 + 24)), "up.1.0": 6 / (5 * (72 + 24)), "output": 6 / (26 + 2)}
    for name, square in limits.items():
        layer = model.get_submodule(name)
        assert 0.93 * square**0.5 < layer.weight.abs().max() <= square**0.5
        assert not layer.bias.any()


def test_it_learns_a_mixture_apart() -> None:
    """A slow tone and a fast one, heard together: a few steps bring the error far down."""
    torch.manual_seed(0)
    model = WaveUNet(WaveUNetSettings(L=3, F_c=6, f_d=9, channels=1), classes=2)
    optimiser = torch.optim.Adam(model.parameters(), 5e-3)
    time = torch.arange(model.input_length(128))
    errors = []
    for _ in range(60):
        phase = 2 * torch.pi * torch.rand(2, 8, 1)
        tones = 0.4 * torch.sin(torch.tensor([0.05, 0.9])[:, None, None] * time + phase)  # s, b, t
        references = tones.transpose(0, 1)[:, :, None, model.context : len(time) - model.context]
        loss = (model(tones.sum(0)[:, None]) - references).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append(loss.item())
    assert np.mean(errors[-5:]) < 0.05 * 0.08, "0.08 is the power of a tone"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"f_d": 4}, "f_d = 4: expected an odd number"),
        ({"f_u": 2}, "f_u = 2: expected an odd number"),
        ({"L": 0}, "L = 0: "),
        ({"upsampling": "cubic"}, "upsampling = 'cubic': .*'linear' or 'learned'"),
        ({"channels": 0}, "channels = 0: "),
    ],
)
def test_impossible_hyper_parameters_are_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        models.settings("wave_unet", wrong)


def test_a_single_source_is_no_difference() -> None:
    with pytest.raises(SettingsError, match="expected two sources or more, found 1"):
        models.build("wave_unet", {"L": 1}, 1)
    assert models.build("wave_unet", {"L": 1, "difference": False}, 1).sources == 1


@pytest.mark.parametrize("shape", [(2, 67), (1, 1, 67), (1, 3, 67), (0, 2, 67)])
def test_a_wrong_shape_is_refused_and_quoted(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected shape \(batch ≥ 1, 2 channels, time\), found \("):
        tiny({})(torch.zeros(shape, dtype=torch.float64))
