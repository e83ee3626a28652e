"""upscale(): every kind of image, any size, tiles that change nothing; fast equals plain."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.nn import functional as F

from srgan_lib import pretrained
from srgan_lib.data.sources import held_out_photos
from srgan_lib.degradations import imresize
from srgan_lib.errors import SrganError
from srgan_lib.images import from_signed, save_image, to_unit
from srgan_lib.inference import winograd
from srgan_lib.inference.fast import CELLS, FastGenerator
from srgan_lib.inference.upscale import _shipped_engine, upscale
from srgan_lib.inference.winograd import WinogradConvolution
from srgan_lib.networks.generator import Generator

VARIANTS = [
    {"blocks": 2, "channels": 8},
    {"scale": 2, "blocks": 1, "channels": 4},
    {"scale": 8, "blocks": 1, "channels": 4},
    {"blocks": 1, "channels": 8, "shared_prelu": True, "bias_before_norm": False},
    {"blocks": 1, "channels": 4, "batch_norm": False, "long_skip": False},
    {"blocks": 1, "channels": 32},  # wide enough for Winograd's convolutions
]


def trained_looking(**settings):
    """A generator whose statistics and slopes are not a new one's, so that leaving one out would show."""
    torch.manual_seed(0)
    generator = Generator(**settings).eval()
    with torch.no_grad():
        for name, values in [*generator.named_parameters(), *generator.named_buffers()]:
            if "running_var" in name:
                values.uniform_(0.3, 3)
            elif values.ndim == 1 and values.is_floating_point():
                values.uniform_(-0.4, 0.6)
    return generator


@pytest.fixture(scope="module")
def small():
    return trained_looking(blocks=1, channels=8)


@pytest.fixture(scope="module")
def fast(small):
    return FastGenerator(small)


@pytest.fixture(scope="module")
def full():
    """The default model."""
    return pretrained.load("srgan-vgg54")


def photo(height, width, channels=3, seed=0):
    shape = (height, width, channels) if channels else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def plain(generator, rgb):
    with torch.no_grad():
        return from_signed(generator(to_unit(rgb).unsqueeze(0)))[0]


# -------------------------------------------------------------------------------- the fast generator


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_the_fast_generator_is_the_plain_one(variant):
    generator = trained_looking(**variant)
    lr = torch.rand(2, 3, 21, 17)
    with torch.no_grad():
        expected = generator(lr)
    assert expected.std() > 0.01
    torch.testing.assert_close(FastGenerator(generator)(lr), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@settings(max_examples=15, deadline=None)
@given(
    height=st.integers(1, 40), width=st.integers(1, 40), tile=st.integers(1, 45), memory=st.integers(0, 17)
)
def test_tiles_and_cells_change_nothing(variant, height, width, tile, memory):
    generator = trained_looking(**variant)
    lr = torch.rand(1, 3, height, width)
    with torch.no_grad():
        expected = generator(lr)
    before = dict(CELLS)
    CELLS["cpu"] = (max(1, tile // 2), 1 << memory)
    try:
        found = FastGenerator(generator)(lr, tile)
    finally:
        CELLS.update(before)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_margin_too_small_would_be_seen(fast, monkeypatch):
    lr = torch.rand(1, 3, 40, 40)
    whole = fast(lr)
    torch.testing.assert_close(fast(lr, tile=10), whole, rtol=0, atol=1e-5)
    monkeypatch.setattr(fast, "reach", fast.reach - 3)
    assert (fast(lr, tile=10) - whole).abs().max() > 1e-4
    monkeypatch.undo()
    monkeypatch.setattr("srgan_lib.inference.fast.TAIL_REACH", 2)
    assert (fast(lr, tile=10) - whole).abs().max() > 1e-4


def test_the_reach_is_the_receptive_fields(small, fast):
    assert fast.reach == 4 + 2 * 1 + 1
    assert FastGenerator(Generator()).reach == 37
    lr = torch.zeros(1, 3, 41, 41, requires_grad=True)
    small.features(lr)[..., 20, 20].sum().backward()
    seen = lr.grad.abs().sum((0, 1)).nonzero()
    assert seen.min() == 20 - fast.reach and seen.max() == 20 + fast.reach


def test_the_work_reported_is_the_work_announced(fast):
    done = []
    with torch.inference_mode():
        list(fast.pieces(torch.rand(1, 3, 30, 50), 20, done.append))
    assert sum(done) == fast.work(30, 50, 20)


def test_the_fast_generator_keeps_its_own_weights(small):
    fast = FastGenerator(small)
    before = fast(torch.ones(1, 3, 4, 4))
    other = trained_looking(blocks=1, channels=8)
    again = FastGenerator(other)
    with torch.no_grad():
        other.tail.weight.zero_()
    torch.testing.assert_close(again(torch.ones(1, 3, 4, 4)), before)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    channels=st.integers(1, 40),
    out=st.integers(1, 40),
    memory=st.integers(0, 22),
    pad_rows=st.booleans(),
    with_slope=st.booleans(),
)
def test_winograds_convolution_is_a_convolution(height, width, channels, out, memory, pad_rows, with_slope):
    torch.manual_seed(height)
    weight, bias, slope = torch.randn(out, channels, 3, 3), torch.randn(out), torch.rand(out)
    maps = torch.randn(1, channels, height + 2 * (not pad_rows), width)
    maps = maps.contiguous(memory_format=torch.channels_last)
    expected = F.conv2d(maps.double(), weight.double(), bias.double(), padding=(int(pad_rows), 1))
    expected = F.prelu(expected, slope.double()) if with_slope else expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "WORKING_SET", 1 << memory)
        found = WinogradConvolution(weight, bias, slope if with_slope else None)(maps, pad_rows)
    assert found.shape == expected.shape == (1, out, height, width)
    tolerance = 2e-5 * expected.abs().max().item()
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_shipped_models_size_in_tiles(full, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        _check_in_tiles(full)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def _check_in_tiles(full):
    lr = to_unit(held_out_photos()[0].load()[100:200, 150:200]).unsqueeze(0)
    with torch.no_grad():
        expected = full(lr)
    fast = FastGenerator(full)
    whole = fast(lr)
    torch.testing.assert_close(whole, expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(fast(lr, tile=30), whole, rtol=0, atol=1e-5)


# ------------------------------------------------------------------------------------ kinds of image


def test_an_array_gives_the_generators_levels(small):
    image = photo(19, 23)
    found = upscale(image, small, tile=8)
    assert found.dtype == np.uint8 and found.shape == (76, 92, 3)
    difference = np.abs(found.astype(int) - plain(small, image))
    assert difference.max() <= 1 and difference.mean() < 1e-3


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3), (33, 1)])
def test_any_size(small, size):
    assert upscale(photo(*size), small).shape == (4 * size[0], 4 * size[1], 3)


@pytest.mark.parametrize("tile", [1, 7, 16, 1000])
def test_the_tile_does_not_show(small, tile):
    image = photo(33, 29)
    np.testing.assert_array_equal(upscale(image, small, tile=tile), upscale(image, small))


def test_grey_is_the_mean_of_the_colours(small):
    grey = photo(9, 8, 0)
    found = upscale(grey, small)
    assert found.shape == (36, 32)
    colour = plain(small, np.repeat(grey[..., None], 3, axis=2))
    assert np.abs(found - colour.mean(axis=2)).max() <= 1
    np.testing.assert_array_equal(upscale(grey[..., None], small)[..., 0], found)


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_resized_and_the_colours_do_not_see_it(small, channels):
    image = photo(9, 8, channels).clip(1)  # under alpha 0 they do: see the tests of transparency
    found = upscale(image, small)
    assert found.shape == (36, 32, channels)
    np.testing.assert_array_equal(found[..., -1], imresize(image[..., -1], 4))
    opaque = image[..., 0] if channels == 2 else image[..., :3]
    np.testing.assert_array_equal(np.squeeze(found[..., :-1]), upscale(opaque, small))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_pil_image_keeps_its_mode(small, mode):
    channels = len(mode)
    levels = photo(6, 5, channels if channels > 1 else 0)
    found = upscale(Image.fromarray(levels), small)
    assert (found.mode, found.size) == (mode, (20, 24))
    np.testing.assert_array_equal(np.asarray(found), upscale(levels, small))


@pytest.mark.parametrize(
    ("mode", "becomes"), [("P", "RGB"), ("1", "L"), ("CMYK", "RGB"), ("I;16", "I;16"), ("I", "I;16")]
)
def test_other_modes_become_usual_ones(small, mode, becomes):
    image = Image.new(mode, (4, 3), 1) if mode[0] == "I" else Image.new("L", (4, 3), 200).convert(mode)
    assert upscale(image, small).mode == becomes


def test_a_rotated_photo_comes_out_upright(small):
    image = Image.fromarray(photo(4, 6))
    image.getexif()[0x0112] = 6
    assert upscale(image, small).size == (16, 24)


def test_a_colour_profile_is_kept_where_it_fits(small):
    profile = bytes(16) + b"RGB " + bytes(20)
    image = Image.fromarray(photo(3, 3))
    image.info["icc_profile"] = profile
    assert upscale(image, small).info["icc_profile"] == profile
    grey = image.convert("L")
    grey.info["icc_profile"] = profile
    assert "icc_profile" not in upscale(grey, small).info


def test_a_path_gives_a_pil_image(small, tmp_path):
    save_image(photo(5, 4), tmp_path / "in.png")
    for path in (tmp_path / "in.png", str(tmp_path / "in.png")):
        found = upscale(path, small)
        np.testing.assert_array_equal(np.asarray(found), upscale(photo(5, 4), small))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_a_floating_point_array_stays_in_0_to_1(small, dtype):
    levels = photo(6, 7)
    found = upscale((levels / 255).astype(dtype), small)
    assert found.dtype == dtype and found.min() >= 0 and found.max() <= 1
    assert np.abs(255 * found.astype(float) - upscale(levels, small)).max() < (
        0.51 if dtype != np.float16 else 1
    )


@pytest.mark.parametrize(
    "shape", [(5, 6), (1, 5, 6), (2, 5, 6), (3, 5, 6), (4, 5, 6), (2, 3, 5, 6), (3, 1, 5, 6)]
)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_a_tensor_is_channels_first(small, shape, dtype):
    levels = torch.randint(0, 256, shape, dtype=torch.uint8)
    image = levels if dtype == torch.uint8 else levels / 255
    found = upscale(image, small)
    assert found.shape == (*shape[:-2], 20, 24) and found.dtype == dtype and found.is_contiguous()
    alone = (levels[-1] if len(shape) == 4 else levels).numpy()
    expected = upscale(np.moveaxis(alone, 0, -1) if alone.ndim == 3 else alone, small)
    expected = np.moveaxis(expected, -1, 0) if alone.ndim == 3 else expected
    last = (found[-1] if len(shape) == 4 else found).double() * (255 if dtype == torch.float32 else 1)
    has_alpha = len(shape) > 2 and shape[-3] in (
        2,
        4,
    )  # 8 bits are rounded after each dimension, floats never
    assert np.abs(last.numpy() - expected).max() < (1.51 if has_alpha else 0.51)


def test_a_tensor_can_be_used_in_training_afterwards(small):
    weight = torch.ones(1, requires_grad=True)
    (upscale(torch.rand(3, 4, 4), small) * weight).sum().backward()
    assert weight.grad is not None


def test_a_names_generator_is_made_once_and_follows_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path)
    pretrained.ship(trained_looking(blocks=1, channels=4), "srgan-vgg54", {})
    _shipped_engine.cache_clear()
    for _ in range(2):
        assert upscale(photo(3, 3)).shape == (12, 12, 3)
    assert _shipped_engine.cache_info().misses == 1
    _shipped_engine.cache_clear()


@pytest.fixture
def two_threads():
    """PyTorch computes in two threads; afterwards in as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_two_threads_at_once_leave_torchs_thread_count_alone(small, two_threads):
    """Each computes in one thread of torch; whoever starts or ends first, the others' count comes back."""
    wide = trained_looking(blocks=1, channels=32)
    expected = upscale(photo(40, 40), wide)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: upscale(photo(40, 40), wide), range(6)))
    assert all(np.array_equal(image, expected) for image in found)
    assert torch.get_num_threads() == 2
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == 2, "and in threads that come later"


def test_a_thread_that_starts_while_another_is_at_work_gets_the_usual_count(two_threads):
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with winograd.own_threads():
            entered.set()
            leave.wait(60)

    def follow():
        with winograd.own_threads():
            leave.set()
            first.join(60)  # who came first leaves first
        return torch.get_num_threads()

    first = threading.Thread(target=hold)
    first.start()
    assert entered.wait(60)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(follow).result(60) == 2
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == 2
    assert winograd._users == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_process_that_forks_after_use_can_upscale(tmp_path, two_threads):
    wide = trained_looking(blocks=1, channels=32)
    expected = upscale(photo(20, 20), wide)
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)  # OpenMP's own threads do not survive a fork either
        same = np.array_equal(upscale(photo(20, 20), wide), expected)
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_profile_of_another_colour_space_is_told(small, capsys):
    profile = b"\0" * 16 + b"CMYK" + b"\0" * 108
    image = Image.new("CMYK", (5, 4))
    image.info["icc_profile"] = profile
    result = upscale(image, small)
    assert result.mode == "RGB" and "icc_profile" not in result.info
    assert "its colour profile is for CMYK; the result is RGB without it" in capsys.readouterr().err
    image = Image.new("RGB", (5, 4))
    image.info["icc_profile"] = profile.replace(b"CMYK", b"RGB ")
    assert upscale(image, small).info["icc_profile"] and capsys.readouterr().err == ""


def test_the_progress_bar(small, capsys, monkeypatch):
    upscale(photo(4, 4), small, progress=True)
    assert capsys.readouterr().err == "", "nothing where no terminal is"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    upscale(photo(4, 4), small)
    upscale(photo(4, 4), small, progress=False)
    assert capsys.readouterr().err == "", "nothing for what is done at once"
    upscale(photo(4, 4), small, progress=True)
    assert "upscaling 100%" in capsys.readouterr().err


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 24), width=st.integers(1, 24), channels=st.integers(0, 4), tile=st.integers(1, 30)
)
def test_size_and_type_hold_for_any_image(small, height, width, channels, tile):
    image = photo(height, width, channels)
    found = upscale(image, small, tile=tile)
    assert found.shape == (4 * height, 4 * width, *image.shape[2:]) and found.dtype == np.uint8


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [">u2", ">f4", ">f8", "<u2", "<f4"])
def test_the_order_of_bytes_and_who_may_write_change_nothing(small, dtype):
    levels = photo(5, 6).astype(float) * (257 if "u" in dtype else 1 / 255)
    image = levels.astype(dtype)
    frozen = np.frombuffer(image.tobytes(), dtype).reshape(image.shape)
    expected = upscale(image.astype(np.dtype(dtype).newbyteorder("=")), small)
    for same in (image, frozen, image[::-1][::-1], np.asfortranarray(image)):
        np.testing.assert_array_equal(upscale(same, small), expected)


@pytest.mark.parametrize("mode", ["La", "RGBa", "PA", "HSV", "LAB", "YCbCr", "I;16B"])
def test_rare_modes_of_pillow(small, mode):
    assert upscale(Image.new(mode, (4, 3)), small).size == (16, 12)


# ------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((3, 4, 5), np.uint8), "1 to 4"),
        (np.zeros((3, 4), np.int64), "uint8 or uint16, or of floats"),
        (np.zeros((3, 4), np.uint32), "uint8 or uint16, or of floats"),
        (np.zeros((3, 4), np.longdouble), "uint8 or uint16, or of floats"),
        (np.zeros((0, 4, 3), np.uint8), "nothing to upscale"),
        (np.zeros((2, 3, 4, 3), np.uint8), "array"),
        (np.full((3, 4, 3), 200.0), r"is in \[0, 1\], not \[200, 200\]"),
        (np.full((3, 4, 3), np.nan), r"is in \[0, 1\]"),
        (torch.zeros(7, 3, 4), "1 to 4"),
        (torch.zeros(3), "tensor"),
        (42, "not int"),
        ("no-such-file.png", "no such file"),
    ],
    ids=str,
)
def test_what_is_no_image_is_one_line(small, image, said):
    with pytest.raises(SrganError, match=said) as caught:
        upscale(image, small)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("tile", [0, -3, 2.5, "64"])
def test_a_wrong_tile_is_one_line(small, tile):
    with pytest.raises(SrganError, match="tile is"):
        upscale(photo(3, 3), small, tile=tile)
