"""Parts of one's own in a run (networks, a content loss, callbacks), and runs that were stopped."""

import inspect
import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch import nn
from torch.nn.functional import interpolate

import srgan_lib as sr
from srgan_lib.networks.baselines import ESPCN
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.run_folders import found, latest
from srgan_lib.training import callbacks
from srgan_lib.training.config import Config, Stage

QUIET = {"validate_every": 0, "preview_every": 0, "moments": 0, "tensorboard": False, "log_every": 1}


class Sharpened(nn.Module):
    """Nearest neighbour and a convolution; one weight is frozen, one leads nowhere."""

    def __init__(self, scale=4):
        super().__init__()
        self.scale = scale
        self.change = nn.Conv2d(3, 3, 5, padding=2)
        self.frozen = nn.Parameter(torch.ones(1), requires_grad=False)
        self.unused = nn.Parameter(torch.ones(3))

    def forward(self, lr):
        large = interpolate(lr, scale_factor=self.scale)
        return 2 * (large + self.frozen * self.change(large)) - 1


class Patches(nn.Module):
    """A logit for each patch."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 1))

    def forward(self, images):
        return self.layers(images).flatten(1)


def absolute(sr_images, hr):
    return (sr_images - hr).abs().mean()


def config(folder, *stages, **settings):
    stages = stages or (Stage("mse", 4, batch=2, learning_rate=1e-2),)
    return Config(**{"stages": stages, "out": str(folder), "crop": 16, "save_every": 0, **QUIET, **settings})


def both(folder, **settings):
    gan = Stage("gan", 4, batch=2, adversarial=1e-2, learning_rate=1e-2)
    return config(folder, Stage("mse", 3, batch=2), gan, ema=0.5, **settings)


class StopAt(callbacks.Callback):
    """Leave after an update."""

    def __init__(self, update):
        self.update = update

    def on_update_end(self, run):
        if run.update == self.update:
            run.leave("enough")


def state_of(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


# ----------------------------------------------------------------------------------- trained, kept, loaded


def test_a_network_of_ones_own_is_trained_in_place_and_used_everywhere(tmp_path):
    network = Sharpened()
    before = state_of(network)
    result = sr.train(config(tmp_path / "run", validate_every=2, preview_every=2), generator=network)
    assert result.generator is network and not network.training
    assert not torch.equal(before["change.weight"], network.change.weight)
    assert torch.equal(before["frozen"], network.frozen)
    assert [row["update"] for row in result.record["measurements"]] == [2, 4]
    assert result.record["own"] == {"generator": f"{__name__}.Sharpened"}
    assert "a network of one's own" in result.record["config"]["deviations"]
    assert not any("blocks" in line for line in result.record["config"]["deviations"])
    assert (tmp_path / "run/previews/000000004.png").exists()
    with safe_open(tmp_path / "run/mse.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["own"]) == {"class": f"{__name__}.Sharpened", "scale": 4}
    again = sr.load(tmp_path / "run", generator=Sharpened())
    assert_same(state_of(again), state_of(network))
    photo = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    large = sr.upscale(photo, again)
    with torch.no_grad():
        expected = network(torch.from_numpy(photo).permute(2, 0, 1)[None] / 255)
    expected = ((expected[0].clamp(-1, 1) + 1) * 127.5).round().permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(large, expected.astype(np.uint8))
    (tmp_path / "set/HR").mkdir(parents=True)
    Image.fromarray(photo.repeat(8, 0).repeat(8, 1)).save(tmp_path / "set/HR/a.png")
    table = sr.evaluate(network, "bicubic", sets=[tmp_path / "set"])
    assert [column.label for column in table.columns] == ["Sharpened", "bicubic"]


@pytest.mark.parametrize("place", ["run", "run/mse.safetensors"])
def test_without_it_one_line_names_the_class_that_is_missing(tmp_path, place):
    sr.train(config(tmp_path / "run"), generator=Sharpened())
    for use in (sr.load, lambda model: sr.upscale(np.zeros((4, 4, 3), np.uint8), model)):
        with pytest.raises(
            sr.SrganError, match=rf"is a {__name__}\.Sharpened.*generator=Sharpened\(\)"
        ) as caught:
            use(tmp_path / place)
        assert "\n" not in str(caught.value)
    with pytest.raises(sr.SrganError, match="do not fit this ESPCN"):
        sr.load(tmp_path / place, generator=ESPCN())


def test_all_three_parts_and_a_run_that_goes_on_with_them(tmp_path):
    def parts():
        torch.manual_seed(0)
        return {"generator": Sharpened(), "discriminator": Patches(), "content": absolute}

    whole = sr.train(both(tmp_path / "whole"), **parts())
    classes = {"generator": "Sharpened", "discriminator": "Patches", "content": "absolute"}
    names = {part: f"{__name__}.{name}" for part, name in classes.items()}
    assert whole.record["own"] == names
    lines = [json.loads(line) for line in (tmp_path / "whole/log.jsonl").read_text().splitlines()]
    assert {"content", "adversarial", "discriminator", "d_real"} <= lines[-2].keys()
    assert "a discriminator of one's own instead of Figure 4's" in whole.record["config"]["deviations"]
    for updates in (2, 5):
        folder = tmp_path / f"cut-{updates}"
        stopped = sr.train(both(folder), callbacks=[StopAt(updates)], **parts())
        assert (stopped.stopped, stopped.updates) == ("enough", updates)
        assert_same(state_of(sr.load(folder, generator=Sharpened())), state_of(stopped.generator))
        for missing, name in names.items():
            left = {part: value for part, value in parts().items() if part != missing}
            with pytest.raises(sr.SrganError, match=f"the {missing} of this run is a {name}; give it"):
                sr.resume(folder, **left)
        assert sr.resume(folder, **parts()).stopped == "finished"
        one, other = (latest(place / "checkpoints")["networks"] for place in (folder, tmp_path / "whole"))
        for part in ("trained", "generator", "discriminator"):
            assert_same(one[part], other[part])


@pytest.mark.parametrize("shape", [(-1,), (-1, 1), (-1, 1, 1, 1)])
@pytest.mark.parametrize("joint", [False, True])
def test_logits_may_have_any_shape(tmp_path, shape, joint):
    class Judge(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3 * 16 * 16, 1)

        def forward(self, images):
            return self.layer(images.flatten(1)).reshape(shape)

    stage = Stage("gan", 2, batch=2, adversarial=1e-2)
    result = sr.train(
        config(tmp_path, stage, joint_batch=joint), generator=Sharpened(), discriminator=Judge()
    )
    assert result.stopped == "finished"


def test_the_presets_take_a_network_of_ones_own(tmp_path):
    preset = sr.presets.tiny(out=str(tmp_path), updates=1, tensorboard=False)
    assert preset.tied_phases
    assert sr.train(preset, generator=Sharpened()).record["config"]["network"] == "own"


class Wrong(Sharpened):
    def forward(self, lr):
        return super().forward(lr)[..., 1:]


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (nn.Conv2d(3, 3, 1), "Conv2d: a network needs an attribute scale"),
        (Sharpened(2), "Sharpened: scale is 2, but the configuration's 4"),
        (Wrong(), r"Wrong: gives \(1, 3, 16, 15\) .* has to be \(1, 3, 16, 16\)"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_in_one_line(tmp_path, network, said):
    with pytest.raises(sr.SrganError, match=said) as caught:
        sr.train(config(tmp_path), generator=network)
    assert "\n" not in str(caught.value)


def test_a_class_derived_from_the_librarys_is_ones_own(tmp_path):
    """Its forward pass is used, not its parent's; its file does not claim to be its parent's."""

    class Negative(Generator):
        def forward(self, lr):
            return -super().forward(lr)

    network = Negative(blocks=1, channels=4).eval()
    lr = np.full((5, 5, 3), 200, np.uint8)
    with torch.no_grad():
        value = network(torch.full((1, 3, 5, 5), 200 / 255)).clamp(-1, 1)
    expected = ((value[0] + 1) * 127.5).permute(1, 2, 0).numpy()
    np.testing.assert_allclose(sr.upscale(lr, network), expected, atol=1)
    sr.networks.weights.save_generator(network, tmp_path / "n.safetensors")
    with pytest.raises(sr.SrganError, match="Negative"):
        sr.load(tmp_path / "n.safetensors")


def test_a_network_that_says_what_it_sees_is_given_tiles():
    network, photo = (
        Sharpened().eval(),
        np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8),
    )
    whole = sr.upscale(photo, network)
    network.reach = 1
    np.testing.assert_array_equal(sr.upscale(photo, network, tile=16), whole)


def test_a_network_of_ones_own_as_onnx(tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    network = Sharpened().eval()
    sr.export_onnx(network, tmp_path / "own.onnx")
    lr = torch.rand(1, 3, 11, 9)
    with torch.no_grad():
        expected = network(lr).numpy()
    session = runtime.InferenceSession(tmp_path / "own.onnx", providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"lr": lr.numpy()})[0], expected, atol=1e-5)


# ------------------------------------------------------------------------------------ runs that were stopped


@pytest.mark.parametrize("updates", [2, 3, 5])
def test_of_a_stopped_run_the_newest_averaged_weights_are_used(tmp_path, updates):
    """Within the first stage, at its end, within the second; phases are tied, so weights are computed."""
    small = {"blocks": 1, "channels": 4, "tied_phases": True, "moments": 2}
    result = sr.train(both(tmp_path, **small), callbacks=[StopAt(updates)])
    assert result.updates == updates
    loaded = sr.load(tmp_path)
    torch.testing.assert_close(state_of(loaded), state_of(result.generator))  # of tied weights to rounding
    networks = latest(tmp_path / "checkpoints")["networks"]
    assert torch.equal(loaded.tail.weight, networks["trained"]["tail.weight"])
    assert not torch.equal(loaded.tail.weight, networks["generator"]["tail.weight"])
    photo = np.zeros((6, 6, 3), np.uint8)
    np.testing.assert_array_equal(sr.upscale(photo, tmp_path), sr.upscale(photo, loaded))
    (tmp_path / "set/HR").mkdir(parents=True)
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "set/HR/a.png")
    assert sr.evaluate(tmp_path, sets=[tmp_path / "set"]).columns[0].label == tmp_path.name


def test_a_folder_without_weights_says_so(tmp_path):
    with pytest.raises(sr.SrganError, match="no trained weights in it"):
        sr.load(tmp_path)


def older(values):
    """A configuration, record or checkpoint as versions before 0.2.0 wrote it."""
    return {name: value for name, value in values.items() if name != "own"}


def test_runs_of_older_versions_stay_readable(tmp_path):
    """Neither their checkpoints nor their records know of parts of one's own."""
    sr.train(config(tmp_path, blocks=1, channels=4), callbacks=[StopAt(2)])
    path = found(tmp_path / "checkpoints")[-1]
    torch.save(older(torch.load(path, weights_only=True)), path)
    assert sr.load(tmp_path).config["blocks"] == 1
    assert sr.resume(tmp_path).stopped == "finished"


# ---------------------------------------------------------------------------------------------- callbacks


def test_callbacks_see_what_happens(tmp_path):
    seen = []

    class Watch(callbacks.Callback):
        def on_stage_start(self, run):
            seen.append(("start", run.stage.name, run.update))

        def on_update_end(self, run):
            seen.append(("update", run.update, sorted(run.values)[:1]))

        def on_log(self, run, means):
            seen.append(("log", run.update, means["stage"]))

        def on_validation(self, run, measurement):
            seen.append(("validation", measurement["update"], len(measurement["psnr"])))

        def on_stage_end(self, run):
            seen.append(("end", run.stage.name, (run.folder / "mse.safetensors").exists()))

    sr.train(config(tmp_path, Stage("mse", 2, batch=2), blocks=1, channels=4), callbacks=[Watch()])
    assert seen == [
        ("start", "mse", 0),
        ("log", 1, "mse"),
        ("update", 1, ["generator"]),
        ("log", 2, "mse"),
        ("validation", 2, 2),
        ("update", 2, ["generator"]),
        ("end", "mse", True),
    ]


# --------------------------------------------------------------------------------------------- what is public

FUNCTIONS = ("imresize", "open_image", "psnr", "ssim", "train", "resume", "load", "models", "upscale",
             "evaluate", "export_onnx")  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_exported_functions_say_what_they_take_and_give(name):
    function = getattr(sr, name)
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        if parameter.kind is not parameter.VAR_KEYWORD:
            assert parameter.annotation is not inspect.Parameter.empty, parameter.name
    assert function.__doc__


def test_every_name_is_there_and_shown():
    wanted = {*FUNCTIONS, "losses", "networks", "metrics", "training", "data", "coursework", "presets"}
    assert wanted <= set(dir(sr))
    for name in dir(sr):
        assert getattr(sr, name) is not None
    assert sr.training.callbacks.Callback and sr.data.bank.PatchBank and sr.networks.vgg.VGG19Features
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = sr.training.nothing


def test_the_docstring_begins_with_use_and_fits_a_screen():
    lines = sr.__doc__.splitlines()
    code = [line for line in lines[:9] if line.startswith("    ")]
    assert len(code) == 5 and code[0].strip() == "import srgan_lib as sr"
    assert len(lines) <= 24 and max(map(len, lines)) <= 110
    compile("\n".join(line.strip() for line in code), "docstring", "exec")
