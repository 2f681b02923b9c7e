"""One suite over every architecture of each task: a new model file is tested by being there."""

import pytest
import torch
from torch import Tensor, nn

from soundsieve import models
from soundsieve.errors import SettingsError, UnknownNameError
from soundsieve.models._classifier import NO_SCORE, NamesSegments
from soundsieve.models._imagenet import StartsFromImageNet
from soundsieve.models._table import TrainsItself

SMALL = {
    "conv_tasnet": {"N": 8, "L": 16, "B": 8, "H": 8, "X": 2, "R": 1, "D": 8},
    "genre_cnn1d": {"columns": 12},
    "genre_committee": {"views": [5, 7], "rows": 30},
    "genre_discriminant": {"columns": 12},
    "genre_kernel": {"columns": 12, "rows": 30},
    "genre_mlp": {"columns": 12, "hidden": [16, 8]},
    "genre_vggish": {"columns": 12, "hidden": [16, 12, 8]},
    "base_cnn": {"bins": 60, "bands": 24, "lowest_bin": 2, "filters": [4, 6], "kernel": 5, "hidden": 8},
    "miml": {"bins": 12, "hidden": 10, "sub_concepts": 2},
    "mask_unet": {"n_fft": 128, "hop": 64, "bands": 16, "channels": [4, 6], "context": 4, "context_blocks": 1},
    "stem_unet": {"n_fft": 64, "hop": 32, "bands": 16, "filters": [4, 6], "context": 4, "context_blocks": 1},
    "object_unet": {"n_fft": 64, "hop": 32, "bands": 16, "filters": [16, 16], "context": 4, "context_blocks": 1},
    "spleeter_unet": {"n_fft": 32, "hop": 8, "filters": [4, 6, 8], "bins": 16, "frames": 16, "step": 12},
    "tag_efficientnet": {"mels": 16},
    "tag_kumar": {"channels": [2, 4, 4, 6, 6, 8], "hidden": 16},
    "tag_lstm": {"hidden": 16},
    "tag_small": {"mels": 32, "stem": 4, "channels": [6, 8, 10], "blocks": [2, 2, 1], "hidden": 16},
    "tag_transformer": {"width": 24, "layers": 2},
    "tag_vgg": {"channels": 4, "dense": 16},
    "tag_vgg19": {"channels": [4, 4, 6, 6, 8], "dense": 16},
    "vggish": {"frames": 32, "mels": 16, "channels": [4, 6, 6, 8], "dense": 16, "size": 10},
    "wave_unet": {"L": 3, "F_c": 4},
}
COLUMNS = 12
LENGTHS = [1, 17, 64, 203]  # frames, from the shortest there is; the last is that of the batch


@pytest.fixture(params=models.names("select"))
def selector(request: pytest.FixtureRequest) -> nn.Module:
    return build(request.param)


@pytest.fixture(params=models.names("unmix"))
def unmixer(request: pytest.FixtureRequest) -> nn.Module:
    return build(request.param)


@pytest.fixture(params=models.names("tag"))
def classifier(request: pytest.FixtureRequest) -> nn.Module:
    """A classifier with statistics that are not those of an untrained one, in eval mode."""
    model = build(request.param)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            nn.init.normal_(module.bias, std=0.3)  # so that normalised silence is not silence
    return model.eval()


@pytest.fixture(params=models.names("embed"))
def embedder(request: pytest.FixtureRequest) -> nn.Module:
    return build(request.param).eval()


@pytest.fixture(params=models.names("genre"))
def table_model(request: pytest.FixtureRequest) -> nn.Module:
    """A model of tables, trained on a few rows where it trains itself."""
    model = build(request.param)
    if isinstance(model, TrainsItself):
        rows = torch.randn(getattr(model.settings, "rows", 30), COLUMNS)
        model.fit(rows, torch.arange(len(rows)) % 3)
    return model.eval()


def build(name: str) -> nn.Module:
    torch.manual_seed(0)
    return models.build(name, SMALL.get(name, {}), 3)


def batch(model: nn.Module, padding: float = 0.0) -> tuple[Tensor, Tensor]:
    """Clips of every length, with one value past their ends."""
    frames = torch.tensor(LENGTHS)
    features = torch.randn(len(LENGTHS), model.settings.mels, LENGTHS[-1], generator=torch.Generator().manual_seed(1))
    past = torch.arange(LENGTHS[-1]) >= frames[:, None]
    return features.masked_fill(past[:, None], padding), frames


def test_every_model_says_what_it_is_for() -> None:
    tasks = ("bases", "embed", "genre", "objects", "select", "tag", "unmix", "view")
    assert sorted(name for task in tasks for name in models.names(task)) == models.names()


@pytest.mark.parametrize("name", models.names())
def test_settings_and_a_seed_rebuild_a_model(name: str) -> None:
    """What a checkpoint keeps is enough: its settings as plain values, and its weights."""
    values = models.settings(name, SMALL.get(name, {})).model_dump(mode="json")
    torch.manual_seed(0)
    again = models.build(name, values, 3)
    model = build(name)
    assert list(again.state_dict()) == list(model.state_dict())
    for key, weight in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[key], weight, atol=0, rtol=0, msg=key)


@pytest.mark.parametrize("name", models.names())
def test_an_unknown_setting_is_refused_by_name(name: str) -> None:
    with pytest.raises(SettingsError, match="unknown key 'nonsense': "):
        models.build(name, {"nonsense": 1}, 3)


@pytest.mark.parametrize("name", models.names("tag"))
@pytest.mark.parametrize("value", [0, -3, "many", 1.5])
def test_impossible_mels_are_refused_with_a_sentence(name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=rf"^\w+Settings: mels = {value!r}: \S+"):
        models.build(name, {"mels": value}, 3)


def test_names_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'conv_tasnet'"):
        models.build("convtasnet", {}, 3)
    with pytest.raises(SettingsError, match="unknown key 'n'"):
        models.build("conv_tasnet", {"n": 3}, 3)


# Selectors


def test_output_has_a_row_for_each_query_and_the_inputs_length(selector: nn.Module) -> None:
    for time in (1, 63, 1000):
        assert selector.eval()(torch.randn(2, 1, time), torch.eye(3)[:2].expand(2, 2, 3)).shape == (2, 2, time)


def test_every_parameter_of_a_selector_learns(selector: nn.Module) -> None:
    estimate = selector.train()(torch.randn(2, 1, 2000), torch.eye(3).expand(2, 3, 3))
    (estimate - torch.randn(2, 3, 2000)).square().mean().backward()
    assert stuck(selector) == []


def test_a_batch_is_its_rows(selector: nn.Module) -> None:
    selector.eval()
    mixture, wanted = torch.randn(3, 1, 1500), torch.eye(3)[None].expand(3, 3, 3)
    whole = selector(mixture, wanted)
    for row in range(3):
        torch.testing.assert_close(whole[row], selector(mixture[row : row + 1], wanted[:1])[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("mixture", "wanted"),
    [
        ((2, 1000), (2, 1, 3)),
        ((2, 2, 1000), (2, 1, 3)),
        ((2, 1, 1000), (2, 3)),
        ((2, 1, 1000), (2, 1, 4)),
        ((1, 1, 0), (1, 1, 3)),
    ],
)
def test_a_wrong_shape_is_refused_and_quoted(
    selector: nn.Module, mixture: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"expected shape .*, found \("):
        selector(torch.zeros(mixture), torch.zeros(wanted))


def test_it_says_how_far_it_reaches(selector: nn.Module) -> None:
    assert selector.stride >= 1
    assert selector.context_frames >= selector.stride


# Unmixers


def test_output_has_a_row_for_each_source_and_lies_in_the_middle_of_the_input(unmixer: nn.Module) -> None:
    for output in (1, 63, 1000):
        time = unmixer.input_length(output)
        sources = unmixer.eval()(torch.randn(2, unmixer.channels, time))
        assert sources.shape == (2, unmixer.sources, unmixer.channels, time - 2 * unmixer.context)
        assert unmixer.sources == 3
        assert sources.shape[-1] >= output


def test_every_parameter_of_an_unmixer_learns(unmixer: nn.Module) -> None:
    sources = unmixer.train()(torch.randn(2, unmixer.channels, unmixer.input_length(500)))
    (sources - torch.randn(sources.shape)).square().mean().backward()
    assert stuck(unmixer) == []


def test_a_batch_of_mixtures_is_its_rows(unmixer: nn.Module) -> None:
    mixture = torch.randn(3, unmixer.channels, unmixer.input_length(300))
    whole = unmixer.eval()(mixture)
    for row in range(3):
        torch.testing.assert_close(whole[row], unmixer(mixture[row : row + 1])[0], atol=1e-5, rtol=1e-4)


def test_a_mixture_of_the_wrong_shape_is_refused_and_quoted(unmixer: nn.Module) -> None:
    channels, time = unmixer.channels, unmixer.input_length(100)
    for shape in ((channels, time), (1, channels + 1, time), (1, channels, 0)):
        with pytest.raises(ValueError, match=r"expected shape .*, found \("):
            unmixer(torch.zeros(shape))


def test_an_unmixer_says_how_far_it_reaches(unmixer: nn.Module) -> None:
    """Chunks between two multiples of the stride are the whole where they see that much on both sides."""
    stride, reach, context = unmixer.stride, unmixer.reach, unmixer.context
    begin = -(-reach // stride) * stride
    length = begin + 3 * stride + begin
    mixture = torch.randn(1, unmixer.channels, unmixer.input_length(length))
    other = mixture.clone()
    other[..., : context + begin - reach] = 0
    other[..., context + begin + 3 * stride + reach :] = 0
    assert not torch.equal(other, mixture)
    same = slice(begin, begin + 3 * stride)
    unmixer.eval()
    torch.testing.assert_close(unmixer(other)[..., same], unmixer(mixture)[..., same], atol=1e-5, rtol=0)


# Classifiers


def test_every_clip_has_a_finite_logit_for_each_class(classifier: nn.Module) -> None:
    for mode in (True, False):
        logits = classifier.train(mode)(*batch(classifier))
        assert logits.shape == (len(LENGTHS), 3)
        assert logits.isfinite().all()


@torch.no_grad()
def test_a_clip_in_a_batch_is_what_it_is_alone(classifier: nn.Module) -> None:
    features, frames = batch(classifier)
    together = classifier(features, frames)
    assert together.std(0).min() > 1e-4, "clips that all look alike would prove nothing"
    for row, length in enumerate(LENGTHS):
        alone = classifier(features[row : row + 1, :, :length], frames[row : row + 1])[0]
        torch.testing.assert_close(together[row], alone, atol=1e-5, rtol=1e-4, msg=f"{length} frames")


@pytest.mark.parametrize("training", [False, True])
def test_what_lies_past_a_clips_end_is_not_looked_at(classifier: nn.Module, training: bool) -> None:
    """Neither the logits nor the gradients; in training the statistics of batch normalisation ignore it as well."""
    found = []
    for padding in (0.0, float("nan")):
        torch.manual_seed(2)  # the same dropout
        classifier.zero_grad()
        logits = classifier.train(training)(*batch(classifier, padding))
        logits.square().sum().backward()
        found.append([logits.detach(), *(parameter.grad.clone() for parameter in classifier.parameters())])
    for without, beyond in zip(*found, strict=True):
        torch.testing.assert_close(beyond, without, atol=1e-6, rtol=1e-5)


def test_every_frame_of_a_clip_counts(classifier: nn.Module) -> None:
    """But for fewer than 8 at the end, which may not fill a filter or a pool any more."""
    features = torch.randn(1, classifier.settings.mels, 64, requires_grad=True)
    classifier(features, torch.tensor([64]))[0, 0].backward()
    unheard = (features.grad.abs().amax((0, 1)) == 0).nonzero().flatten().tolist()
    assert [frame for frame in unheard if frame <= 64 - 8] == []


def test_every_parameter_of_a_classifier_learns(classifier: nn.Module) -> None:
    """Looked at in eval mode: in training, batch normalisation hides the bias of the convolution before it."""
    features, frames = batch(classifier)
    nn.functional.cross_entropy(classifier(features, frames), torch.tensor([0, 1, 2, 0])).backward()
    assert stuck(classifier) == []


def test_a_step_of_training_lowers_the_loss(classifier: nn.Module) -> None:
    features, frames = batch(classifier)
    features, frames = features[..., :64], frames.clamp(max=64)
    target = torch.tensor([0, 1, 2, 0])
    optimiser = torch.optim.Adam(classifier.parameters(), 2e-3)
    losses = []
    for _ in range(6):
        torch.manual_seed(3)  # the same dropout
        loss = nn.functional.cross_entropy(classifier.train()(features, frames), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.005


@pytest.mark.parametrize(
    ("shape", "frames", "sentence"),
    [
        ((2, 1, 0, 50), [50, 50], r"features: expected shape .*, found \(2, 1, \d+, 50\)"),
        ((2, 1, 50), [50, 50], r"features: expected shape \(batch ≥ 1, \d+ mels, frame ≥ 1\), found \(2, \d+, 50\)"),
        ((2, 0, 0), [0, 0], r"features: expected shape .*, found \(2, \d+, 0\)"),
        ((0, 0, 50), [], r"features: expected shape .*, found \(0, \d+, 50\)"),
        ((2, 0, 50), [50], r"frames: expected shape \(2,\), found \(1,\)"),
        ((2, 0, 50), [50, 51], "frames: expected 1 to 50, the length of features, found 50 to 51"),
        ((2, 0, 50), [0, 50], "frames: expected 1 to 50, the length of features, found 0 to 50"),
        ((2, 0, 50), [0.5, 1.0], r"frames: expected whole numbers, found torch\.float32"),
    ],
)
def test_features_and_lengths_that_do_not_fit_are_refused(
    classifier: nn.Module, shape: tuple[int, ...], frames: list[float], sentence: str
) -> None:
    """The second of the last axes says how many bands there are too many."""
    *outer, extra, length = shape
    features = torch.zeros(*outer, classifier.settings.mels + extra, length)
    with pytest.raises(ValueError, match=sentence):
        classifier(features, torch.tensor(frames) if frames else torch.zeros(0, dtype=torch.int64))


@torch.no_grad()
def test_segments_are_named_in_a_batch_as_alone(classifier: nn.Module) -> None:
    if not isinstance(classifier, NamesSegments):
        pytest.skip("this one does not say when")
    features, frames = batch(classifier)
    together, hop = classifier.frame_logits(features, frames)
    assert together.shape[:2] == (len(LENGTHS), 3)
    for row, length in enumerate(LENGTHS):
        alone, _ = classifier.frame_logits(features[row : row + 1, :, :length], frames[row : row + 1])
        segments = alone.shape[-1]
        assert 1 <= segments <= -(-length // hop), "a segment begins inside its clip"
        torch.testing.assert_close(together[row, :, :segments], alone[0], atol=1e-5, rtol=1e-4)
        assert (together[row, :, segments:] == NO_SCORE).all()
    assert segments == together.shape[-1], "the longest clip has them all"


@torch.no_grad()
def test_a_clip_is_somewhere_between_its_segments(classifier: nn.Module) -> None:
    if not isinstance(classifier, NamesSegments):
        pytest.skip("this one does not say when")
    features, frames = torch.randn(2, classifier.settings.mels, 400), torch.tensor([400, 400])
    logits, (segments, _) = classifier(features, frames), classifier.frame_logits(features, frames)
    assert (logits <= segments.amax(-1) + 1e-5).all()
    assert (logits >= segments.amin(-1) - 1e-5).all()


def test_some_classifiers_say_when() -> None:
    """So that the two tests above cannot all be skipped."""
    found = {name for name in models.names("tag") if isinstance(build(name), NamesSegments)}
    assert {"tag_crnn", "tag_kumar", "tag_small"} <= found


def test_some_classifiers_start_from_photographs() -> None:
    found = {name for name in models.names("tag") if isinstance(build(name), StartsFromImageNet)}
    assert {"tag_efficientnet", "tag_vgg19"} <= found


# Embedders


def examples_for(embedder: nn.Module, count: int) -> Tensor:
    return torch.randn(count, embedder.settings.frames, embedder.settings.mels)


@torch.no_grad()
def test_an_example_in_a_batch_is_embedded_as_alone(embedder: nn.Module) -> None:
    examples = examples_for(embedder, 4)
    together = embedder(examples)
    assert together.shape == (4, embedder.settings.size)
    assert together.std(0).max() > 1e-4, "embeddings that are all alike would prove nothing"
    for row in range(4):
        torch.testing.assert_close(together[row], embedder(examples[row : row + 1])[0], atol=1e-5, rtol=1e-4)


def test_every_cell_counts_and_every_parameter_of_an_embedder_learns(embedder: nn.Module) -> None:
    examples = examples_for(embedder, 16).requires_grad_()
    embedder(examples).square().sum().backward()
    assert stuck(embedder) == []
    assert (examples.grad.abs().amax(0) > 0).all()


def test_an_embedding_names_nothing(embedder: nn.Module) -> None:
    """So its checkpoint has no classes, and how many it is built for changes nothing."""
    name = next(name for name in models.names("embed") if type(build(name)) is type(embedder))
    shapes = {key: value.shape for key, value in models.build(name, SMALL.get(name, {}), 0).state_dict().items()}
    assert shapes == {key: value.shape for key, value in embedder.state_dict().items()}


def test_examples_that_do_not_fit_are_refused(embedder: nn.Module) -> None:
    frames, mels = embedder.settings.frames, embedder.settings.mels
    for shape in (
        (frames, mels),
        (2, frames + 1, mels),
        (2, frames, mels - 1),
        (0, frames, mels),
        (2, 1, frames, mels),
    ):
        with pytest.raises(ValueError, match=rf"expected shape \(batch ≥ 1, {frames} frames, {mels} mels\), found \("):
            embedder(torch.zeros(shape))


# Models of tables of descriptors


def test_every_row_has_a_finite_logit_for_each_class(table_model: nn.Module) -> None:
    for mode in (True, False):
        logits = table_model.train(mode)(100 * torch.randn(5, COLUMNS))
        assert logits.shape == (5, 3)
        assert logits.isfinite().all()


@torch.no_grad()
def test_a_row_in_a_batch_is_what_it_is_alone(table_model: nn.Module) -> None:
    rows = torch.randn(4, COLUMNS)
    together = table_model(rows)
    assert together.std(0).min() > 1e-4, "rows that all look alike would prove nothing"
    for row in range(4):
        torch.testing.assert_close(together[row], table_model(rows[row : row + 1])[0], atol=1e-5, rtol=1e-4)


def test_every_column_counts_and_every_parameter_learns(table_model: nn.Module) -> None:
    rows = torch.randn(6, COLUMNS, requires_grad=True)
    nn.functional.cross_entropy(table_model(rows), torch.tensor([0, 1, 2, 0, 1, 2])).backward()
    assert stuck(table_model) == []
    assert (rows.grad.abs().amax(0) > 0).all()


@pytest.mark.parametrize("shape", [(COLUMNS,), (2, COLUMNS + 1), (0, COLUMNS), (2, 1, COLUMNS)])
def test_rows_that_do_not_fit_are_refused(table_model: nn.Module, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"rows: expected shape \(batch ≥ 1, 12 columns\), found \("):
        table_model(torch.zeros(shape))


@pytest.mark.parametrize("name", models.names("genre"))
@pytest.mark.parametrize("value", [0, -3, "many", 1.5])
def test_impossible_columns_are_refused_with_a_sentence(name: str, value: object) -> None:
    if "columns" not in models.settings(name, {}).model_dump():  # it has several views of them
        with pytest.raises(SettingsError, match=rf"^\w+Settings: views.1 = {value!r}: \S+"):
            models.build(name, {"views": [3, value]}, 3)
        return
    with pytest.raises(SettingsError, match=rf"^\w+Settings: columns = {value!r}: \S+"):
        models.build(name, {"columns": value}, 3)


# Maps of bases


@pytest.fixture(params=models.names("bases"))
def mapper(request: pytest.FixtureRequest) -> nn.Module:
    return build(request.param).eval()


def test_every_base_has_a_finite_score_for_each_label(mapper: nn.Module) -> None:
    for mode in (True, False):
        for bases in (1, 25):
            base_map = mapper.train(mode)(torch.rand(3, mapper.settings.bins, bases))
            assert base_map.shape == (3, 3, bases)
            assert base_map.isfinite().all()


@torch.no_grad()
def test_a_bag_in_a_batch_is_what_it_is_alone(mapper: nn.Module) -> None:
    bases = torch.rand(4, mapper.settings.bins, 6)
    together = mapper(bases)
    for row in range(4):
        torch.testing.assert_close(together[row], mapper(bases[row : row + 1])[0], atol=1e-5, rtol=1e-4)


def test_every_audible_bin_counts_and_every_parameter_of_a_mapper_learns(mapper: nn.Module) -> None:
    bases = torch.rand(8, mapper.settings.bins, 25, requires_grad=True)
    (mapper(bases) + torch.randn(8, 3, 25)).square().sum().backward()
    assert stuck(mapper) == []
    lowest = getattr(mapper.settings, "lowest_bin", 0)  # below it there is nothing to hear
    assert (bases.grad.abs().amax((0, 2))[lowest:] > 0).all()


def test_bases_that_do_not_fit_are_refused(mapper: nn.Module) -> None:
    bins = mapper.settings.bins
    for shape in ((bins, 4), (2, bins + 1, 4), (0, bins, 4), (2, bins, 0), (2, 1, bins, 4)):
        with pytest.raises(ValueError, match=rf"bases: expected shape \(batch ≥ 1, {bins} bins, base ≥ 1\), found \("):
            mapper(torch.zeros(shape))


# Networks that are told what is seen


@pytest.fixture(params=models.names("objects"))
def watcher(request: pytest.FixtureRequest) -> nn.Module:
    return build(request.param).eval()


@torch.no_grad()
def test_what_is_seen_and_the_rest_share_all_of_the_mixture(watcher: nn.Module) -> None:
    seen = torch.tensor([[1, 0, 1], [0, 0, 0], [1, 1, 1]])
    for time in (1, 63, 1000):
        mixture = torch.randn(3, 1, time)
        tracks = watcher(mixture, seen)
        assert tracks.shape == (3, 4, time)
        torch.testing.assert_close(tracks.sum(1), mixture[:, 0], atol=1e-5, rtol=1e-4)
        assert not tracks[:, :3][seen == 0].any()
        torch.testing.assert_close(tracks[1, 3], mixture[1, 0], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_what_is_seen_beside_changes_only_the_sharing(watcher: nn.Module) -> None:
    mixture = torch.randn(1, 1, 800)
    one, both = (watcher(mixture, torch.tensor([row]))[0] for row in ([1, 0, 0], [1, 1, 0]))
    assert (one[0] - both[0]).abs().max() > 1e-3
    torch.testing.assert_close(one.sum(0), both.sum(0), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_batch_of_what_is_seen_is_its_rows(watcher: nn.Module) -> None:
    mixture, seen = torch.randn(3, 1, 900), torch.tensor([[1, 0, 1], [0, 1, 0], [1, 1, 1]])
    whole = watcher(mixture, seen)
    for row in range(3):
        own = watcher(mixture[row : row + 1], seen[row : row + 1])[0]
        torch.testing.assert_close(whole[row], own, atol=1e-5, rtol=1e-4)


def test_every_parameter_of_a_watcher_learns(watcher: nn.Module) -> None:
    tracks = watcher.train()(torch.randn(2, 1, 900), torch.ones(2, 3))
    (tracks - torch.randn(tracks.shape)).square().mean().backward()
    assert stuck(watcher) == []


def test_mixtures_and_labels_that_do_not_fit_are_refused(watcher: nn.Module) -> None:
    for mixture, seen in (((2, 500), (2, 3)), ((2, 2, 500), (2, 3)), ((1, 1, 0), (1, 3)), ((2, 1, 500), (2, 4))):
        with pytest.raises(ValueError, match=r"expected shape .*found \("):
            watcher(torch.zeros(mixture), torch.zeros(seen))


def stuck(model: nn.Module) -> list[str]:
    """Parameters without a gradient."""
    return [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
