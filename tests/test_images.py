"""Reading and writing images of every kind, bad files, value ranges and the Y channel."""

import errno
import os
import resource
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from srgan_lib import images
from srgan_lib.errors import SrganError
from srgan_lib.images import (
    crop_to_multiple,
    from_signed,
    luma,
    open_image,
    read_rgb,
    save_image,
    to_signed,
    to_unit,
)

RNG = np.random.default_rng(7)
PHOTO = RNG.integers(0, 256, (14, 10, 3), np.uint8)


def raises_one_line(*parts):
    """A ``pytest.raises`` for an ``SrganError`` of one line that holds each of ``parts``."""

    def fits(error):
        text = str(error)
        return "\n" not in text and all(str(part) in text for part in parts)

    return pytest.raises(SrganError, check=fits)


def png(pixels, colour_type):
    """The bytes of a 16-bit PNG: Pillow writes none in colour."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


# ------------------------------------------------------------------------------------ kinds of images


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_standard_modes_survive_saving_and_opening(tmp_path, mode):
    image = Image.fromarray(RNG.integers(0, 256, (14, 10, 4), np.uint8)).convert(mode)
    save_image(image, tmp_path / "a.png")
    opened = open_image(tmp_path / "a.png")
    assert opened.mode == mode and np.array_equal(opened, image)


@pytest.mark.parametrize(
    ("mode", "suffix"), [("I;16", ".png"), ("I;16", ".tif"), ("I;16B", ".tif"), ("I", ".tif")]
)
def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path, mode, suffix):
    levels = np.array([[0, 128, 129, 257, 32768, 65535]])
    dtype = {"I;16": "<u2", "I;16B": ">u2", "I": "<i4"}[mode]
    image = Image.frombytes(mode, (6, 1), levels.astype(dtype).tobytes())
    image.save(tmp_path / f"a{suffix}")
    opened = open_image(tmp_path / f"a{suffix}")
    assert opened.mode == "L" and np.asarray(opened).tolist() == [[0, 0, 1, 1, 128, 255]]


@pytest.mark.parametrize(("colour_type", "mode"), [(2, "RGB"), (6, "RGBA"), (0, "L")])
def test_sixteen_bit_png_keeps_its_range(tmp_path, colour_type, mode):
    levels = np.linspace(0, 65535, 8 * len(mode)).astype(int).reshape(2, 4, len(mode))
    (tmp_path / "a.png").write_bytes(png(levels, colour_type))
    opened = open_image(tmp_path / "a.png")
    assert opened.mode == mode
    assert (
        np.abs(np.asarray(opened).reshape(levels.shape) - levels / 257).max() <= 1
    )  # Pillow cuts, not rounds


def test_sixteen_bit_grey_with_alpha_keeps_both(tmp_path):
    (tmp_path / "a.png").write_bytes(png(np.array([[[0, 65535], [32896, 0]]]), 4))
    assert np.asarray(open_image(tmp_path / "a.png").convert("LA")).tolist() == [[[0, 255], [128, 0]]]


@pytest.mark.parametrize("numbers", [np.array([[0, 70000]], np.int32), np.array([[-1, 5]], np.int32)])
def test_numbers_of_unknown_range_are_refused(tmp_path, numbers):
    Image.fromarray(numbers).save(tmp_path / "a.tif")
    with raises_one_line("a.tif", "32 bits"):
        open_image(tmp_path / "a.tif")
    Image.fromarray(numbers.astype(np.float32)).save(tmp_path / "b.tif")
    with raises_one_line("b.tif", "floating-point"):
        open_image(tmp_path / "b.tif")


@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_palette_with_and_without_transparency(tmp_path, suffix):
    palette = Image.new("P", (4, 3))
    palette.putpalette([250, 10, 20, 0, 200, 100])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / f"opaque{suffix}")
    opaque = open_image(tmp_path / f"opaque{suffix}")
    assert opaque.mode == "RGB" and opaque.getpixel((0, 0)) == (250, 10, 20)
    palette.save(tmp_path / f"clear{suffix}", transparency=0)
    clear = open_image(tmp_path / f"clear{suffix}")
    assert clear.mode == "RGBA"
    assert clear.getpixel((0, 0))[3] == 0 and clear.getpixel((1, 0)) == (0, 200, 100, 255)


def test_a_transparent_colour_of_grey_and_rgb_becomes_alpha(tmp_path):
    Image.fromarray(np.array([[9, 50]], np.uint8)).save(tmp_path / "grey.png", transparency=9)
    grey = open_image(tmp_path / "grey.png")
    assert grey.mode == "LA" and [grey.getpixel((x, 0))[1] for x in (0, 1)] == [0, 255]
    Image.new("RGB", (1, 1), (1, 2, 3)).save(tmp_path / "rgb.png", transparency=(1, 2, 3))
    assert open_image(tmp_path / "rgb.png").getpixel((0, 0)) == (1, 2, 3, 0)


def test_black_and_white_cmyk_and_ycbcr_become_standard(tmp_path):
    Image.new("1", (3, 2), 1).save(tmp_path / "bits.png")
    assert np.asarray(open_image(tmp_path / "bits.png")).tolist() == [[255] * 3] * 2
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "ink.tif")
    assert open_image(tmp_path / "ink.tif").getpixel((3, 3)) == (255, 0, 0)
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "ink.jpg", quality=100)
    assert np.abs(np.subtract(open_image(tmp_path / "ink.jpg").getpixel((3, 3)), (255, 0, 0))).max() <= 3
    Image.new("RGB", (8, 8), (255, 0, 0)).convert("YCbCr").save(tmp_path / "video.tif")
    assert open_image(tmp_path / "video.tif").mode == "RGB"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_exif_rotation_is_applied(tmp_path, orientation, suffix):
    shown = np.zeros((48, 32), np.uint8)  # the top left quarter is bright, and stays so
    shown[:24, :16] = 255
    turns = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: np.transpose}
    turns |= {6: np.rot90, 7: lambda a: np.rot90(a, 2).T, 8: lambda a: np.rot90(a, -1)}
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(turns[orientation](shown))).convert("RGB")
    stored.save(tmp_path / f"a{suffix}", exif=exif)
    opened = np.asarray(open_image(tmp_path / f"a{suffix}").convert("L")).astype(int)
    assert opened.shape == shown.shape and np.abs(opened - shown).mean() < 3


@pytest.mark.filterwarnings("ignore")
def test_a_broken_exif_block_does_not_hide_the_photo(tmp_path):
    Image.fromarray(PHOTO).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    assert open_image(tmp_path / "a.jpg").size == (10, 14)


def test_read_rgb_repeats_grey_and_drops_alpha(tmp_path):
    Image.new("LA", (3, 2), (77, 5)).save(tmp_path / "a.png")
    array = read_rgb(tmp_path / "a.png")
    assert array.shape == (2, 3, 3) and array.dtype == np.uint8 and (array == 77).all()
    array[0, 0] = 0  # writable


# ------------------------------------------------------------------------------------------ bad files


def test_missing_folder_and_empty_files(tmp_path):
    with raises_one_line("gone.png", "no such file"):
        open_image(tmp_path / "gone.png")
    with raises_one_line(tmp_path, "folder"):
        open_image(tmp_path)
    (tmp_path / "empty.png").touch()
    with raises_one_line("empty.png", "empty"):
        open_image(tmp_path / "empty.png")
    (tmp_path / "words.png").write_text("no image at all")
    with raises_one_line("words.png", "not an image"):
        open_image(str(tmp_path / "words.png"))
    with raises_one_line("NoneType"):
        open_image(None)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".tif", ".bmp", ".webp"])
def test_truncated_files(tmp_path, suffix):
    photo = RNG.integers(0, 256, (90, 80, 3), np.uint8)
    Image.fromarray(photo).save(tmp_path / f"a{suffix}")
    whole = (tmp_path / f"a{suffix}").read_bytes()
    for part in (0.02, 0.5, 0.9):
        (tmp_path / f"a{suffix}").write_bytes(whole[: int(len(whole) * part)])
        with raises_one_line(f"a{suffix}"):
            open_image(tmp_path / f"a{suffix}")


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150, deadline=None)
@given(suffix=st.sampled_from([".png", ".jpg", ".gif", ".tif", ".bmp", ".webp"]), data=st.data())
def test_damaged_bytes_give_an_image_or_one_line(tmp_path_factory, suffix, data):
    path = tmp_path_factory.mktemp("damaged") / f"a{suffix}"
    Image.fromarray(PHOTO).save(path)
    body = bytearray(path.read_bytes())
    places = st.lists(st.tuples(st.integers(0, len(body) - 1), st.integers(0, 255)), min_size=1, max_size=8)
    for place, value in data.draw(places):
        body[place] = value
    path.write_bytes(bytes(body))
    try:
        assert open_image(path).mode in ("L", "LA", "RGB", "RGBA")
    except SrganError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(("side", "reason"), [(60000, "megapixels"), (9000, "damaged")])
def test_huge_images_are_refused_before_they_are_decoded(tmp_path, side, reason):
    body = bytearray(png(np.zeros((1, 1)), 0))
    body[16:24] = struct.pack(">II", side, side)
    body[29:33] = struct.pack(">I", zlib.crc32(body[12:29]))
    (tmp_path / "bomb.png").write_bytes(bytes(body))
    with raises_one_line("bomb.png", reason):
        open_image(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    ("error", "reason"), [(PermissionError(), "not permitted"), (MemoryError(), "memory")]
)
def test_unreadable_and_too_large_for_memory(tmp_path, monkeypatch, error, reason):
    def fail(file):
        raise error

    save_image(PHOTO, tmp_path / "a.png")
    monkeypatch.setattr(images, "_decode", fail)
    with raises_one_line("a.png", reason):
        open_image(tmp_path / "a.png")


@pytest.mark.skipif(os.name != "posix", reason="file permissions are tested on POSIX systems")
def test_file_without_permission(tmp_path):
    save_image(PHOTO, tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0)
    if os.access(tmp_path / "a.png", os.R_OK):
        assert read_rgb(tmp_path / "a.png").shape == PHOTO.shape  # root may read everything
        return
    with raises_one_line("a.png", "not permitted"):
        open_image(tmp_path / "a.png")


# -------------------------------------------------------------------------------------------- writing


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".webp", ".PNG"])
def test_arrays_are_saved_without_loss(tmp_path, suffix):
    save_image(PHOTO, tmp_path / f"a{suffix}")
    assert np.array_equal(read_rgb(tmp_path / f"a{suffix}"), PHOTO)
    save_image(PHOTO[..., :1], tmp_path / f"grey{suffix}")
    assert np.array_equal(read_rgb(tmp_path / f"grey{suffix}")[..., 0], PHOTO[..., 0])


def test_what_cannot_be_saved_says_why(tmp_path):
    with raises_one_line("a.xyz", "suffix"):
        save_image(PHOTO, tmp_path / "a.xyz")
    with raises_one_line("RGBA", ".png"):
        save_image(np.zeros((4, 4, 4), np.uint8), tmp_path / "a.jpg")
    with raises_one_line("float64"):
        save_image(PHOTO / 255, tmp_path / "a.png")
    with raises_one_line("channels"):
        save_image(PHOTO.transpose(2, 0, 1), tmp_path / "a.png")
    with raises_one_line("no folder"):
        save_image(PHOTO, tmp_path / "gone" / "a.png")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "folder.png").mkdir()
    with raises_one_line("folder.png"):
        save_image(PHOTO, tmp_path / "folder.png")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]
    save_image(PHOTO, tmp_path / "b.png")
    with raises_one_line("no folder"):
        save_image(PHOTO, tmp_path / "b.png" / "a.png")


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    save_image(PHOTO, tmp_path / "a.png")

    def write_half(path, body):
        with open(path, "wb") as file:
            file.write(body[: len(body) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with raises_one_line("a.png", "full"):
        save_image(255 - PHOTO, tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert np.array_equal(read_rgb(tmp_path / "a.png"), PHOTO)


def test_a_file_size_limit_of_the_system_leaves_nothing(tmp_path):
    noise = RNG.integers(0, 256, (300, 300, 3), np.uint8)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with raises_one_line("a.png"):
            save_image(noise, tmp_path / "a.png")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------------------------- value ranges


def test_ranges_and_shapes_of_arrays_and_tensors():
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    unit, signed = to_unit(levels), to_signed(levels)
    assert unit.shape == (1, 3, 16, 16) and unit.dtype == torch.float32
    assert (unit.min(), unit.max(), signed.min(), signed.max()) == (0, 1, -1, 1)
    tensor = torch.from_numpy(levels).movedim(-1, -3)
    assert torch.equal(to_unit(tensor), unit) and torch.equal(to_signed(tensor.float()), signed)
    assert np.array_equal(from_signed(signed), levels)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("side", [1, 5])
def test_arrays_that_may_not_be_written_to_are_fine(side):
    assert to_unit(np.asarray(Image.new("RGB", (side, side), (255, 0, 0))))[:, 0, 0].tolist() == [1, 0, 0]


@given(st.floats(-3, 3, width=32))
def test_from_signed_clips_and_rounds(value):
    result = from_signed(torch.full((3, 2, 1), value, requires_grad=True))
    assert result.shape == (2, 1, 3) and result.dtype == np.uint8
    assert abs(result[0, 0, 0] - np.clip((value + 1) * 127.5, 0, 255)) <= 0.5 + 1e-4


def test_luma_is_that_of_video():
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert np.allclose(luma(colours), [[16, 235, 81.481, 144.553, 40.966]])
    assert np.array_equal(luma(colours[..., 0]), [[0, 255, 255, 0, 0]])  # grey is its own Y
    assert luma(colours).dtype == luma(colours[..., 0]).dtype == np.float64
    with raises_one_line("(1, 5, 2)"):
        luma(colours[..., :2])


def test_crop_to_multiple():
    assert crop_to_multiple(PHOTO, 4).shape == (12, 8, 3)
    assert np.array_equal(crop_to_multiple(PHOTO[..., 0], 3), PHOTO[:12, :9, 0])
    with raises_one_line("10x14", "16"):
        crop_to_multiple(PHOTO, 16)
