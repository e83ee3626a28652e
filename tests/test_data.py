"""Sources of photos and the patch bank: alignment, reach, turns, distinct photos, rotation, bad files."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srgan_lib.data.bank import CropPlan, PatchBank, PixelStore
from srgan_lib.data.sources import (
    Photo,
    bundled_photos,
    folder_of_pairs,
    folder_of_photos,
    held_out_photos,
    pair_scale,
    photos_of,
)
from srgan_lib.degradations import Bicubic, BlurSubsample, imresize
from srgan_lib.errors import SrganError
from srgan_lib.images import save_image, to_signed, to_unit


@pytest.fixture
def folder(tmp_path):
    """Six photos of different sizes, sides not all multiples of 4."""
    random = np.random.default_rng(0)
    for index in range(6):
        sides = 40 + 7 * index, 61 - 3 * index
        save_image(random.integers(0, 256, (*sides, 3), dtype=np.uint8), tmp_path / f"photo{index}.png")
    return tmp_path


def positions(height, width):
    """An image whose pixel values say where the pixel is: (row, column, 0)."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    return np.stack([rows, columns, np.zeros_like(rows)], axis=-1)


def plan(top, left, flip_vertical=False, flip_horizontal=False, transpose=False, photo=0):
    values = (photo, top, left, flip_vertical, flip_horizontal, transpose)
    return CropPlan(*(torch.tensor([value]) for value in values))


# -------------------------------------------------------------------------------------------- sources


def test_bundled_photos_are_there_and_held_out_ones_apart():
    training, held_out = bundled_photos(), held_out_photos()
    assert (len(training), len(held_out)) == (10, 2)
    assert not {photo.name for photo in training} & {photo.name for photo in held_out}
    for photo in training + held_out:
        assert photo.load().shape == (*photo.sides(), 3)


def test_a_folder_gives_its_images_at_any_depth_in_order(folder):
    (folder / "deeper").mkdir()
    save_image(positions(40, 40), folder / "deeper" / "z.jpg")
    (folder / "notes.txt").write_text("not an image")
    names = [photo.name for photo in folder_of_photos(folder)]
    assert names == ["z", *(f"photo{index}" for index in range(6))]


@pytest.mark.parametrize("data", ["no/such/folder", "bundledd"])
def test_data_that_does_not_exist_is_refused_in_one_line(data):
    with pytest.raises(SrganError) as caught:
        photos_of(data)
    assert "\n" not in str(caught.value)


def test_a_folder_without_photos_is_refused(tmp_path):
    with pytest.raises(SrganError, match="no photos in it"):
        folder_of_photos(tmp_path)


def test_pairs_match_by_name(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "hr").mkdir(exist_ok=True)
        (tmp_path / "lr").mkdir(exist_ok=True)
        save_image(positions(40, 48), tmp_path / "hr" / f"{name}.png")
        save_image(positions(20, 24), tmp_path / "lr" / f"{name}x2.png")
    pairs = folder_of_pairs(tmp_path / "hr", tmp_path / "lr")
    assert [(pair.name, pair.lr_path.name) for pair in pairs] == [("a", "ax2.png"), ("b", "bx2.png")]
    assert pair_scale(pairs[0]) == 2
    (tmp_path / "lr" / "bx2.png").unlink()
    with pytest.raises(SrganError, match=r"no partner.*b.png'"):
        folder_of_pairs(tmp_path / "hr", tmp_path / "lr")


def test_pairs_of_the_wrong_size_are_refused(tmp_path):
    save_image(positions(40, 48), tmp_path / "hr.png")
    save_image(positions(21, 24), tmp_path / "lr.png")
    pair = Photo(tmp_path / "hr.png", tmp_path / "lr.png")
    with pytest.raises(SrganError, match=r"lr\.png: 24x21 does not divide hr\.png's 48x40"):
        pair_scale(pair)
    save_image(positions(20, 24), tmp_path / "lr.png")
    with pytest.raises(SrganError, match="a 2x pair, but scale is 4"):
        PatchBank([pair], crop=16)


# --------------------------------------------------------------------------------------- what is cut


def test_ranges_and_shapes(folder):
    lr, hr = PatchBank(folder_of_photos(folder), crop=32).batch(0, 5)
    assert lr.shape == (5, 3, 8, 8)
    assert hr.shape == (5, 3, 32, 32)
    assert 0 <= lr.min() < 0.4 < 0.6 < lr.max() <= 1
    assert -1 <= hr.min() < -0.9 < 0.9 < hr.max() <= 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 24), st.integers(0, 35), st.tuples(*[st.booleans()] * 3))
def test_turned_crops_are_the_turned_region(top, left, turn):
    store = PixelStore([positions(40, 51)], torch.device("cpu"))
    crop = store.cut(plan(top, left, *turn), 16)[0].permute(1, 2, 0).numpy()
    expected = positions(40, 51)[top : top + 16, left : left + 16]
    if turn[0]:
        expected = expected[::-1]
    if turn[1]:
        expected = expected[:, ::-1]
    if turn[2]:
        expected = expected.transpose(1, 0, 2)
    assert np.array_equal(crop, expected)


@pytest.mark.parametrize("degradation", [Bicubic(4), Bicubic(2), BlurSubsample(4)])
def test_lr_of_a_crop_is_a_crop_of_the_whole_photos_lr(folder, degradation):
    """Crops on the photo's own grid of 4 must be what cropping the degraded photo gives, borders included."""
    photo = folder_of_photos(folder)[3]
    bank = PatchBank([photo], crop=24, degradation=degradation)
    image, scale = photo.load(), degradation.scale
    whole = degradation.whole(image)
    for top, left in ((0, 0), (scale * 2, scale), ((image.shape[0] - 24) // scale * scale, 0)):
        bank.plan = lambda *_, top=top, left=left: plan(top, left)
        lr, hr = bank.batch(0, 1)
        region = whole[top // scale :, left // scale :][: 24 // scale, : 24 // scale]
        assert (lr[0] - to_unit(region)).abs().max() <= 1.01 / 255
        assert torch.equal(hr[0], to_signed(image[top : top + 24, left : left + 24]))


def test_crops_reach_every_row_and_column(tmp_path):
    """The first and the last row and column too: a classic mistake loses them."""
    save_image(positions(37, 42), tmp_path / "photo.png")
    bank = PatchBank(folder_of_photos(tmp_path), crop=32)
    crops = torch.cat([bank.batch(update, 16)[1] for update in range(25)])
    levels = ((crops + 1) * 127.5).round()
    assert levels[:, 0].unique().tolist() == list(range(37))
    assert levels[:, 1].unique().tolist() == list(range(42))


def test_every_turn_occurs(folder):
    bank = PatchBank(folder_of_photos(folder), crop=16)
    plans = [bank.plan(update, 16) for update in range(10)]
    turns = {
        turn
        for p in plans
        for turn in zip(
            p.flip_vertical.tolist(), p.flip_horizontal.tolist(), p.transpose.tolist(), strict=True
        )
    }
    assert len(turns) == 8


def test_pairs_stay_aligned_through_every_turn(tmp_path):
    (tmp_path / "hr").mkdir()
    (tmp_path / "lr").mkdir()
    low = positions(30, 40) * 5
    save_image(np.kron(low, np.ones((2, 2, 1), np.uint8)), tmp_path / "hr" / "a.png")
    save_image(low, tmp_path / "lr" / "a.png")
    bank = PatchBank(folder_of_pairs(tmp_path / "hr", tmp_path / "lr"), crop=16, degradation=Bicubic(2))
    lr, hr = bank.batch(0, 32)
    enlarged = lr.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(hr, enlarged * 2 - 1)


def test_crops_of_a_batch_are_of_distinct_photos_when_there_are_enough(folder):
    bank = PatchBank(folder_of_photos(folder), crop=16)
    for update in range(20):
        assert bank.plan(update, 6).photo.unique().numel() == 6
        assert bank.plan(update, 13).photo.bincount(minlength=6).min() >= 2


# ------------------------------------------------------------------------------------- repeatability


def test_the_same_update_gives_the_same_crops_and_another_seed_others(folder):
    photos = folder_of_photos(folder)
    first, again = (PatchBank(photos, crop=16, seed=3) for _ in range(2))
    again.batch(0, 8)
    assert torch.equal(first.batch(7, 8)[1], again.batch(7, 8)[1])
    assert not torch.equal(first.batch(8, 8)[1], again.batch(7, 8)[1])
    assert not torch.equal(PatchBank(photos, crop=16, seed=4).batch(7, 8)[1], again.batch(7, 8)[1])


@settings(max_examples=10, deadline=None)
@given(update=st.integers(0, 10**6), world=st.integers(1, 4))
def test_processes_share_one_batch(update, world):
    bank = PatchBank(held_out_photos(), crop=32)
    whole = bank.batch(update, 12)[1]
    for rank in range(world):
        assert torch.equal(bank.batch(update, 12, rank, world)[1], whole[rank::world])


# ------------------------------------------------------------------------ larger than memory, rotation


def test_a_set_larger_than_memory_is_rotated_and_every_photo_seen(folder):
    photos = folder_of_photos(folder)
    total = sum(3 * height * width for height, width in (photo.sides() for photo in photos))
    bank = PatchBank(photos, crop=16, memory=total // 2, batch=4)
    assert len(bank.parts) > 2
    assert sorted(photo.name for part in bank.parts for photo in part) == [photo.name for photo in photos]
    for part in bank.parts:
        assert sum(3 * h * w for h, w in (photo.sides() for photo in part)) <= total // 4 or len(part) == 1
    used = []
    for update in range(len(bank.parts) * bank.updates_per_part):
        bank.batch(update, 4)
        used.append(bank._current[0])
    assert sorted(set(used)) == list(range(len(bank.parts)))


def test_rotation_is_repeatable_from_any_update(folder):
    photos = folder_of_photos(folder)
    settings = {"crop": 16, "memory": 10_000, "batch": 2}
    whole_run, resumed = PatchBank(photos, **settings), PatchBank(photos, **settings)
    late = 2 * whole_run.updates_per_part + 1
    for update in range(late + 1):
        expected = whole_run.batch(update, 2)[1]
    assert torch.equal(resumed.batch(late, 2)[1], expected)


def test_the_next_part_is_decoded_in_the_background(folder):
    bank = PatchBank(folder_of_photos(folder), crop=16, memory=10_000, batch=2)
    bank.batch(0, 2)
    coming = bank._coming[1]
    coming.result(timeout=10)  # loads without another call of batch
    bank.batch(bank.updates_per_part, 2)
    assert bank._current == (1, coming.result())


# ------------------------------------------------------------------------------------------ bad files


def test_bad_photos_are_skipped_and_named_once(folder, capsys):
    (folder / "photo1.png").write_bytes(b"")
    (folder / "text.jpg").write_text("hello")
    whole = (folder / "photo2.png").read_bytes()
    (folder / "photo2.png").write_bytes(whole[: len(whole) // 2])
    save_image(positions(8, 200), folder / "flat.png")
    bank = PatchBank(folder_of_photos(folder), crop=32)
    bank.batch(0, 4)
    said = capsys.readouterr().err.splitlines()
    assert len(bank.skipped) == len(said) == 4
    for name in ("photo1.png", "text.jpg", "photo2.png", "flat.png"):
        assert sum(name in line for line in said) == 1
    assert len(bank._current[1][0].heights) == 4


def test_only_bad_photos_are_an_error_that_says_why(tmp_path):
    save_image(positions(8, 8), tmp_path / "small.png")
    with pytest.raises(SrganError, match="8x8 is smaller than the 96x96 crop"):
        PatchBank(folder_of_photos(tmp_path), crop=96)
    with pytest.raises(SrganError, match="not a multiple of the scale"):
        PatchBank(bundled_photos(), crop=50)


def test_camera_rotated_photos_have_their_upright_sides(tmp_path):
    from PIL import Image

    image = Image.fromarray(positions(20, 50))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    photo = Photo(tmp_path / "turned.jpg")
    assert photo.sides() == photo.load().shape[:2] == (50, 20)


def test_imresize_of_the_whole_photo_is_what_bicubic_crops_are_made_of():
    image = held_out_photos()[0].load()
    assert np.array_equal(Bicubic(4).whole(image), imresize(image, 1 / 4))
