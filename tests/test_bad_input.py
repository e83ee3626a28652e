"""Bad input to whoever uses the library or the command line: one clear line, and nothing is lost.

Pairs that do not match, crops and checkpoints are in the tests of data and training.
"""

import errno
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from srgan_lib import pretrained
from srgan_lib.cli import main
from srgan_lib.errors import SrganError
from srgan_lib.images import save_image
from srgan_lib.inference.fast import FastGenerator
from srgan_lib.inference.upscale import upscale
from srgan_lib.networks.generator import Generator
from srgan_lib.networks.weights import save_generator
from srgan_lib.support import files


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return Generator(blocks=1, channels=4).eval()


@pytest.fixture(autouse=True)
def workplace(small, tmp_path, monkeypatch):
    """An empty working directory, and a small model as the shipped one."""
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path / "weights")
    pretrained.ship(small, "srgan-vgg54", {})
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def photo(height=6, width=5):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def line_of(call, *arguments, **options):
    """The one line with which a call fails."""
    with pytest.raises(SrganError) as caught:
        call(*arguments, **options)
    line = str(caught.value)
    assert line and "\n" not in line and len(line) < 400
    return line


def exit_line(capsys, *arguments):
    """The one line with which a command fails, its exit code being 1."""
    assert main([str(argument) for argument in arguments]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert "Traceback" not in "".join(lines)
    return lines[-1]


# ------------------------------------------------------------------------------------------ image files


def png():
    held = io.BytesIO()
    Image.fromarray(photo(40, 40)).save(held, "PNG")
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        (b"", "it is empty"),
        (b"these are words, no picture", "not an image"),
        (png()[:300], "damaged or incomplete"),
        (png()[:-40], "damaged or incomplete"),
    ],
    ids=["missing", "empty", "no image", "truncated", "end missing"],
)
def test_a_file_that_cannot_be_read(content, said, capsys):
    if content is not None:
        with open("photo.png", "wb") as file:
            file.write(content)
    line = exit_line(capsys, "upscale", "photo.png", "-o", "big.png")
    assert "photo.png" in line and said in line
    assert not os.path.exists("big.png")


def test_a_folder_and_a_file_without_permission(capsys, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    save_image(photo(), "photo.png")
    monkeypatch.setattr("builtins.open", denied)  # the tests may run as root, who may read everything
    line = line_of(upscale, "photo.png")
    assert "photo.png" in line and "not permitted" in line


def test_a_file_too_large_to_decode(monkeypatch):
    save_image(photo(40, 40), "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    line = line_of(upscale, "huge.png")
    assert "huge.png" in line and "megapixels" in line


def test_one_pixel_is_enough(capsys):
    save_image(photo(1, 1), "dot.png")
    assert main(["upscale", "dot.png"]) == 0
    assert Image.open("dot_x4.png").size == (4, 4)


@pytest.mark.parametrize("some", [True, False])
def test_a_folder_with_some_or_only_bad_photos(some, capsys):
    os.mkdir("photos")
    for number in range(2):
        with open(f"photos/bad{number}.jpg", "wb") as file:
            file.write(b"no photo")
    if some:
        save_image(photo(), "photos/good.png")
    assert main(["upscale", "photos", "-o", "large"]) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if " of 3: " not in line]
    said = [line for line in said if " of 2: " not in line]
    assert [line.count("bad") for line in said] == [1, 1, 0]
    assert said[-1].startswith(f"srgan: 2 of {2 + some} images were left out")
    assert os.listdir("large") == ["good.png"] * some


def test_a_folder_without_photos(capsys):
    os.mkdir("empty")
    assert "empty: no photos in it" in exit_line(capsys, "upscale", "empty", "-o", "large")


# ---------------------------------------------------------------------------------------------- weights


def foreign(path):
    save_file({"conv.weight": torch.zeros(3, 3)}, path)


def of_another_shape(path):
    state = {name: value.contiguous() for name, value in Generator(blocks=2, channels=4).state_dict().items()}
    settings = '{"scale": 4, "blocks": 1, "channels": 4}'
    save_file(state, path, metadata={"generator": settings})


def pickled(path):
    torch.save({"weight": torch.zeros(3)}, path)


def truncated(path):
    whole = pretrained.path("srgan-vgg54").read_bytes()
    with open(path, "wb") as file:
        file.write(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "no such file"),
        (lambda path: open(path, "w").close(), "not a readable safetensors file"),
        (pickled, "not a readable safetensors file"),
        (truncated, "not a readable safetensors file"),
        (foreign, "not a generator saved by srgan_lib"),
        (of_another_shape, "do not fit the generator"),
    ],
    ids=["missing", "empty", "pickled", "truncated", "foreign", "another shape"],
)
def test_weights_that_cannot_be_used(make, said, capsys):
    make("mine.safetensors")
    save_image(photo(), "photo.png")
    line = exit_line(capsys, "upscale", "photo.png", "--model", "mine.safetensors")
    assert "mine.safetensors" in line and said in line


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "w.pth",
            {"params_ema": {"conv_first.weight": torch.zeros(3)}},
            "first layer is 'conv_first.weight'",
        ),
        ("w.pt", {"conv_first.weight": torch.zeros(3)}, "first layer is 'conv_first.weight'"),
        ("w.ckpt", {}, "could run code when they are opened;"),
        ("w.pth", None, "could run code when they are opened;"),
        ("w.onnx", None, ".onnx is a format of another program"),
        ("w.safetensors", {"conv_first.weight": torch.zeros(3)}, "first layer is 'conv_first.weight'"),
    ],
)
def test_weights_of_another_program_say_why_and_how_to_convert_them(name, content, said):
    if content is None:
        Path(name).write_bytes(b"anything")
    elif name.endswith(".safetensors"):
        save_file(content, name)
    else:
        torch.save(content, name)
    for call in (pretrained.load, lambda model: upscale(photo(), model)):
        with pytest.raises(SrganError) as caught:
            call(name)
        line = str(caught.value)
        assert name in line and said in line and "save_generator" in line and "\n" not in line


def test_no_code_of_a_foreign_file_is_run():
    class Trap:
        def __reduce__(self):
            return open, ("trapped", "w")

    torch.save({"a": Trap()}, "w.pth")
    assert "could run code" in line_of(pretrained.load, "w.pth")
    assert not os.path.exists("trapped")


def test_the_way_to_convert_works(small):
    torch.save(small.state_dict(), "w.pth")
    generator = Generator(blocks=1, channels=4)
    generator.load_state_dict(torch.load("w.pth", weights_only=True))
    save_generator(generator, "w.safetensors")
    np.testing.assert_array_equal(upscale(photo(), "w.safetensors"), upscale(photo(), small))


@pytest.mark.parametrize("model", [{}, {"a": torch.zeros(1)}, None, 4, b"x", ["a"]])
def test_a_model_that_is_none(model):
    assert "a model is a name" in line_of(pretrained.load, model)
    assert "a model is a name" in line_of(upscale, photo(), model)


def test_a_pil_image_whose_file_is_closed_or_damaged(small):
    save_image(photo(40, 40), "photo.png")
    Path("half.png").write_bytes(Path("photo.png").read_bytes()[:300])
    closed = Image.open("photo.png")
    closed.close()
    for image in (closed, Image.open("half.png")):
        assert "the PIL image cannot be read" in line_of(upscale, image, small)


def test_shipped_weights_that_were_changed(capsys):
    shutil.copy(pretrained.path("srgan-vgg54"), "spare")
    pretrained.ship(Generator(blocks=1, channels=4), "other", {})
    os.replace(pretrained.path("other"), pretrained.path("srgan-vgg54"))
    save_image(photo(), "photo.png")
    assert "hash is not the one on record" in exit_line(capsys, "upscale", "photo.png")


def test_a_model_that_does_not_exist(capsys):
    save_image(photo(), "photo.png")
    assert "did you mean 'srgan-vgg54'" in exit_line(capsys, "upscale", "photo.png", "--model", "srgan_vgg45")
    assert "did you mean 'srgan-vgg54'" in exit_line(capsys, "evaluate", "--model", "srgan-vg54")


# ---------------------------------------------------------------------------------- disk, GPU and memory


def test_a_full_disk_leaves_the_old_file_whole(capsys, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    save_image(photo(), "photo.png")
    save_image(photo(), "big.png")
    before = Path("big.png").read_bytes()
    monkeypatch.setattr(files, "_flush_to_disk", full)
    line = exit_line(capsys, "upscale", "photo.png", "-o", "big.png", "--overwrite")
    assert "big.png" in line and "disk is full" in line
    assert Path("big.png").read_bytes() == before
    assert sorted(os.listdir()) == ["big.png", "photo.png"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA: here is a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_that_is_not_there(device, capsys):
    save_image(photo(), "photo.png")
    line = exit_line(capsys, "upscale", "photo.png", "--device", device)
    assert line == f"srgan: {device} was asked for, but torch finds no CUDA GPU here: use --device cpu"
    assert "no CUDA GPU" in exit_line(capsys, "train", "--out", "run", "--device", device)


def test_a_device_that_does_not_exist(capsys):
    save_image(photo(), "photo.png")
    assert "no device is called 'gpu'" in exit_line(capsys, "upscale", "photo.png", "--device", "gpu")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried ..."
        ),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
        MemoryError(),
    ],
    ids=["GPU", "CPU", "Windows", "numpy"],
)
def test_too_little_memory_says_what_to_lower(error, small, monkeypatch):
    def exhausted(*_):
        raise error

    monkeypatch.setattr(FastGenerator, "_features", exhausted)
    assert line_of(upscale, photo(), small, tile=256) == (
        "out of memory: lower tile (now 256; --tile on the command line)"
    )


def test_other_errors_are_not_called_a_lack_of_memory(small, monkeypatch):
    def broken(*_):
        raise RuntimeError("a mistake in the program")

    monkeypatch.setattr(FastGenerator, "_features", broken)
    with pytest.raises(RuntimeError, match="a mistake in the program"):
        upscale(photo(), small)


def test_a_result_that_no_memory_can_hold(small):
    image = torch.zeros(1, dtype=torch.uint8).expand(1, 400_000, 400_000)  # one byte, shown as 160 gigapixels
    assert "a result of 1600000x1600000 pixels does not fit" in line_of(upscale, image, small)
