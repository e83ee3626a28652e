"""Evaluation: the tables' numbers, folders of results in any layout, mistakes."""

import json
import math
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from srgan_lib import pretrained
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.evaluation.evaluate import evaluate
from srgan_lib.evaluation.paper import paper_column
from srgan_lib.images import save_image
from srgan_lib.inference.upscale import upscale
from srgan_lib.metrics import psnr, ssim
from srgan_lib.networks.generator import Generator


def smooth(seed, height=48, width=40, channels=3):
    noise = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, channels), dtype=np.uint8)
    return imresize(noise, 8)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A test set of two colour images and a grey one, in the layout of the real ones."""
    folder = tmp_path_factory.mktemp("sets") / "Tiny"
    (folder / "HR").mkdir(parents=True)
    (folder / "LRx4").mkdir()
    for seed, name in enumerate(("cat", "cat2", "dog")):
        hr = smooth(seed)
        hr = hr[..., 0] if name == "dog" else hr
        save_image(hr, folder / "HR" / f"{name}.png")
        save_image(imresize(hr, 0.25), folder / "LRx4" / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def bicubic_images(tiny):
    images = {}
    for path in (tiny / "LRx4").iterdir():
        images[path.stem] = imresize(np.array(Image.open(path).convert("RGB")), 4)
    return images


def written(folder, images, name="{}.png"):
    folder.mkdir(parents=True)
    for stem, image in images.items():
        save_image(image, folder / name.format(stem))
    return folder


def test_bicubic_is_measured_as_metrics_measure(tiny, bicubic_images):
    result = evaluate("bicubic", "nearest", sets=[tiny])
    originals = {path.stem: Image.open(path) for path in (tiny / "HR").iterdir()}
    expected = np.mean([psnr(originals[name], image) for name, image in bicubic_images.items()])
    assert result.mean("bicubic", "tiny") == pytest.approx(expected)
    expected = np.mean([ssim(originals[name], image) for name, image in bicubic_images.items()])
    assert result.mean("bicubic", "Tiny", "ssim") == pytest.approx(expected)
    assert result.mean("nearest", "Tiny") < result.mean("bicubic", "Tiny")


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        ("", "{}.png"),
        ("Tiny", "{}.png"),
        ("tiny", "{}.bmp"),
        ("", "{}_x4.png"),
        ("TINY", "{}x4.tif"),
        ("", "{}-srgan.png"),
    ],
)
def test_a_folder_of_results_in_any_layout(tiny, bicubic_images, tmp_path, layout, name):
    folder = tmp_path / "mine"
    written(folder / layout if layout else folder, bicubic_images, name)
    result = evaluate("bicubic", folder, sets=[tiny])
    assert result.mean("mine", "Tiny") == result.mean("bicubic", "Tiny")


def test_a_pattern_names_the_folder_of_each_set(tiny, bicubic_images, tmp_path):
    written(tmp_path / "Tiny" / "method", bicubic_images)
    result = evaluate("bicubic", str(tmp_path / "{set}" / "method"), sets=[tiny])
    assert result.mean("method", "Tiny") == result.mean("bicubic", "Tiny")


def test_a_network_a_file_and_its_images_agree(tiny, tmp_path):
    torch.manual_seed(0)
    generator = Generator(blocks=1, channels=4).eval()
    file = pretrained.ship(generator, "mine", {}, tmp_path / "run")
    images = {
        path.stem: upscale(np.array(Image.open(path).convert("RGB")), generator)
        for path in (tiny / "LRx4").iterdir()
    }
    folder = written(tmp_path / "images", images)
    result = evaluate(generator, file, tmp_path / "run", folder, sets=[tiny], measures=["psnr"])
    assert [column.label for column in result.columns] == ["generator", "mine", "run", "images"]
    assert len({column.mean("Tiny", "psnr") for column in result.columns}) == 1


def test_a_shipped_model_by_name_with_its_hash(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path)
    pretrained.ship(Generator(blocks=1, channels=4), "srgan-vgg54", {})
    result = evaluate("SRGAN-VGG54", sets=[tiny])
    column = result.to_dict()["columns"]["srgan-vgg54"]
    assert column["sha256"] == pretrained.record("srgan-vgg54")["sha256"]
    with pytest.raises(SrganError, match="did you mean 'srgan-vgg54'"):
        evaluate("srgan-vg54", sets=[tiny])


def test_the_three_forms_say_the_same(tiny, tmp_path):
    result = evaluate("nearest", "bicubic", sets=[tiny], paper=["SRGAN"])
    value = f"{result.mean('bicubic', 'Tiny'):.2f} / {result.mean('bicubic', 'Tiny', 'ssim'):.4f}"
    table = result.table().splitlines()
    assert table[0].split("  ")[0] == "PSNR / SSIM" and "SRGAN (paper)" in table[0]
    assert value in table[1] and str(result) == result.table()
    assert f"| {value} |" in result.markdown() == result._repr_markdown_()
    loaded = json.loads(result.to_json())
    assert loaded["columns"]["bicubic"]["means"]["Tiny"]["psnr"] == result.mean("bicubic", "Tiny")
    assert set(loaded["columns"]["bicubic"]["images"]["Tiny"]) == {"cat", "cat2", "dog"}
    result.save(tmp_path / "table.md")
    result.save(tmp_path / "table.json")
    assert (tmp_path / "table.md").read_text() == result.markdown() + "\n"
    assert json.loads((tmp_path / "table.json").read_text()) == loaded


def test_equal_images_do_not_break_json(tiny, tmp_path):
    shutil.copytree(tiny / "HR", tmp_path / "perfect")
    result = evaluate(tmp_path / "perfect", sets=[tiny])
    assert math.isinf(result.mean("perfect", "Tiny"))
    assert json.loads(result.to_json())["columns"]["perfect"]["means"]["Tiny"] == {"psnr": None, "ssim": 1.0}


def test_other_measures_and_labels(tiny):
    measures = ["psnr-rgb", "ssim-gaussian", "ssim-uniform"]
    result = evaluate("bicubic", "bicubic", sets=[tiny], measures=measures, labels=["a", "a"])
    assert [column.label for column in result.columns] == ["a", "a (2)"]
    assert "PSNR (RGB) / SSIM (Gaussian) / SSIM (uniform)" in result.table()
    assert 0 < result.mean("a", "Tiny", "ssim-gaussian") < 1


def test_the_papers_columns():
    assert paper_column("srgan-vgg54").mean("Set14", "psnr") == 26.02
    assert paper_column("SRResNet").mean("BSD100", "ssim") == 0.7620
    assert paper_column("SRGAN-MSE").mean("BSD100", "psnr") is None
    with pytest.raises(SrganError, match="did you mean 'SelfExSR'"):
        paper_column("SelfEx")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "cat.png").unlink(), "no result for cat of Tiny; name it cat.png"),
        (lambda folder: (folder / "dog.png").write_bytes(b"nonsense"), "dog.png"),
        (lambda folder: save_image(smooth(0, 40, 40), folder / "dog.png"), "is 40x40, its original 40x48"),
    ],
    ids=["missing", "damaged", "wrong size"],
)
def test_results_that_cannot_be_measured(tiny, bicubic_images, tmp_path, change, said):
    folder = written(tmp_path / "mine", bicubic_images)
    change(folder)
    with pytest.raises(SrganError, match=said) as caught:
        evaluate(folder, sets=[tiny])
    assert "\n" not in str(caught.value) and "mine" in str(caught.value)


def test_other_mistakes_are_one_line(tiny, tmp_path):
    wrong = [
        (("bicubic",), {"measures": ["psnrr"]}, "did you mean 'psnr'"),
        (("bicubic",), {"sets": ["set55"]}, "did you mean 'Set5'"),
        (("bicubic",), {"sets": ["div2k"]}, "no test set"),
        (("bicubic",), {"sets": [tiny], "labels": ["a", "b"]}, "1 models and 2 labels"),
        (
            (Generator(scale=2, blocks=1, channels=4), Generator(scale=4, blocks=1, channels=4)),
            {"sets": [tiny]},
            "generator enlarges 2x, generator enlarges 4x; measure models of one scale at a time",
        ),
        (
            (Generator(scale=2, blocks=1, channels=4),),
            {"sets": [tiny], "scale": 4},
            "enlarges 2x, and scale 4",
        ),
        (("bicubic",), {"sets": [tiny], "scale": 3}, "scale 3; use 2, 4, 8"),
        (("bicubic",), {"sets": [tiny], "scale": 2, "paper": ["SRGAN"]}, "paper's numbers are of scale 4"),
        (("bicubik",), {"sets": [tiny]}, "did you mean 'bicubic'"),
        ((tmp_path / "none.safetensors",), {"sets": [tiny]}, "no such file"),
    ]
    for models, options, said in wrong:
        with pytest.raises(SrganError, match=said) as caught:
            evaluate(*models, **options)
        assert "\n" not in str(caught.value)
    result = evaluate("nearest", sets=[tiny])
    with pytest.raises(SrganError, match="did you mean 'nearest'"):
        result.mean("nearset", "Tiny")
    with pytest.raises(SrganError, match="no set in this result"):
        result.mean("nearest", "Set5")


# ------------------------------------------------------------------------------------------- scale 2


def of_scale_2(hr, enlarge):
    """Mean PSNR and SSIM of one image by hand: half its size, enlarged, 2 pixels of the border removed."""
    hr = hr[: hr.shape[0] // 2 * 2, : hr.shape[1] // 2 * 2]
    result = enlarge(imresize(hr, 1 / 2))
    return psnr(result, hr, crop=2), ssim(result, hr, crop=2)


@pytest.fixture
def odd(tmp_path):
    """A test set of one colour image whose sides are no multiple of 2, with inputs for scale 4 only."""
    (tmp_path / "Odd" / "HR").mkdir(parents=True)
    save_image(smooth(3)[:47, :39], tmp_path / "Odd" / "HR" / "cat.png")
    (tmp_path / "Odd" / "LRx4").mkdir()
    save_image(smooth(3, 16, 16)[:11, :9], tmp_path / "Odd" / "LRx4" / "cat.png")
    return tmp_path / "Odd"


def test_the_scale_is_the_networks_own(odd, capsys):
    torch.manual_seed(0)
    generator = Generator(scale=2, blocks=1, channels=4).eval()
    result = evaluate(generator, "bicubic", "nearest", sets=[odd], progress=False)
    hr = smooth(3)[:47, :39]
    enlarge = {
        "generator": lambda lr: upscale(lr, generator),
        "bicubic": lambda lr: imresize(lr, 2),
        "nearest": lambda lr: np.kron(lr, np.ones((2, 2, 1), np.uint8)),
    }
    for name, method in enlarge.items():
        expected = of_scale_2(hr, method)
        assert (result.mean(name, "Odd"), result.mean(name, "Odd", "ssim")) == pytest.approx(expected), name
    said = capsys.readouterr().err
    assert "Odd: cat: sides that are no multiple of 2 are cropped" in said
    assert "Odd has no LRx2: inputs are made with MATLAB's bicubic resize" in said
    assert result.to_dict()["scale"] == 2 and "2 pixels removed" in result.to_dict()["protocol"]
    assert result.table().startswith("PSNR / SSIM, scale 2")


def test_stored_inputs_of_scale_2_are_read(odd):
    low = imresize(smooth(3)[:46, :38], 1 / 2) // 2
    (odd / "LRx2").mkdir()
    save_image(low, odd / "LRx2" / "catx2.png")
    result = evaluate("bicubic", sets=[odd], scale=2, progress=False)
    assert result.mean("bicubic", "Odd") == pytest.approx(psnr(imresize(low, 2), smooth(3)[:46, :38], crop=2))


def test_result_images_of_scale_2(odd, tmp_path):
    large = imresize(imresize(smooth(3)[:46, :38], 1 / 2), 2)
    folder = written(tmp_path / "mine", {"cat": large}, "{}_x2.png")
    result = evaluate(folder, "bicubic", sets=[odd], scale=2, progress=False)
    assert result.mean("mine", "Odd") == result.mean("bicubic", "Odd")


def test_bicubic_at_scale_2_is_what_others_report(data_folder):
    """33.66 dB on Set5: the number of papers on scale 2, from Dong et al. (2014) on."""
    data_folder("benchmarks/Set5")
    result = evaluate("bicubic", sets=["set5"], scale=2, measures=["psnr"], progress=False)
    assert result.mean("bicubic", "Set5") == pytest.approx(33.66, abs=0.02)


def test_an_incomplete_test_set_is_one_line(tiny, tmp_path):
    folder = tmp_path / "Tiny"
    shutil.copytree(tiny, folder)
    (folder / "LRx4" / "dog.png").unlink()
    with pytest.raises(SrganError, match="is missing; put it there"):
        evaluate("bicubic", sets=[folder])


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("SRResNet-MSE", {"Set5": (32.079, 0.9027), "Set14": (28.505, 0.8189)}),
        ("SRGAN-VGG54", {"Set5": (29.426, 0.8486), "Set14": (26.022, 0.7395)}),
    ],
)
def test_the_authors_images_give_the_papers_numbers(data_folder, method, expected):
    data_folder("benchmarks/BSD100")
    pattern = str(data_folder("published") / "{set}" / method)
    result = evaluate(pattern, progress=False)
    for name, (decibels, similarity) in expected.items():
        assert result.mean(method, name) == pytest.approx(decibels, abs=0.005)
        assert result.mean(method, name, "ssim") == pytest.approx(similarity, abs=0.0005)
        printed = paper_column(method)
        assert result.mean(method, name) == pytest.approx(printed.mean(name, "psnr"), abs=0.03)
        assert result.mean(method, name, "ssim") == pytest.approx(printed.mean(name, "ssim"), abs=0.0015)
    assert result.mean(method, "BSD100") is None, "sets without any result are left out by default"
