"""Folders as people have them: pairs in trees and under other names, links, hidden files, every format."""

import os
from pathlib import Path

import pytest
from PIL import Image

from srgan_lib.data.sources import folder_of_pairs, folder_of_photos, pair_scale, without_held_out
from srgan_lib.errors import SrganError
from srgan_lib.images import EXTENSIONS, FORMATS, UNREADABLE, open_image
from srgan_lib.training.records import data_facts


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def photos(*paths, size=(8, 8)):
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (90, 120, 30)).save(path)


def found(folder):
    return [str(photo.path) for photo in folder_of_photos(folder)]


# ------------------------------------------------------------------------------------------------- pairs


@pytest.mark.parametrize(
    ("high", "low"),
    [
        ("0001.png", "0001x4.png"),  # DIV2K
        ("0001.png", "0001x4m.png"),  # its mild track
        ("0001.PNG", "0001X4.PNG"),
        ("0001.png", "0001_bicLRx4.png"),
        ("0001.png", "0001_LR.jpg"),
        ("0001.jpg", "0001.png"),
        ("img_001_SRF_4_HR.png", "img_001_SRF_4_LR.png"),  # SelfExSR
        ("Canon_001_HR.png", "Canon_001_LR4.png"),  # RealSR
        ("a_GT.png", "a_lr.png"),
        ("a_HR.png", "a_HR_LR.png"),
        ("box4.png", "box4.png"),  # no ending: its name
        ("box4.png", "box4x4.png"),
    ],
)
@pytest.mark.parametrize("folder", ["", "clip/", "a/b/"])
def test_names_of_pairs(high, low, folder):
    photos(f"hr/{folder}{high}", size=(32, 16))
    photos(f"lr/{folder}{low}", size=(8, 4))
    (pair,) = folder_of_pairs("hr", "lr")
    assert (str(pair.path), str(pair.lr_path)) == (f"hr/{folder}{high}", f"lr/{folder}{low}")
    assert pair_scale(pair) == 4


def test_pairs_of_a_tree_are_matched_by_their_place():
    photos("hr/a/1.png", "hr/b/1.png", "hr/1.png", "lr/b/1x2.png", "lr/1x2.png", "lr/a/1x2.png")
    matched = {str(pair.path): str(pair.lr_path) for pair in folder_of_pairs("hr", "lr")}
    assert matched == {f"hr/{place}1.png": f"lr/{place}1x2.png" for place in ("", "a/", "b/")}


def test_an_exact_name_goes_before_a_longer_one():
    photos("hr/a.png", "hr/ax2.png", "lr/a.png", "lr/ax2.png")
    assert [(pair.name, pair.lr_path.stem) for pair in folder_of_pairs("hr", "lr")] == [
        ("a", "a"),
        ("ax2", "ax2"),
    ]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["hr/a/1.png", "lr/b/1.png"], "2 files have no partner"),
        (["hr/a.png", "hr/b.png", "lr/a.png"], "1 files have no partner"),
        (["hr/a.png", "lr/ax2.png", "lr/ax4.png"], "both belong to hr/a.png"),
        (["hr/a.png", "hr/a.jpg", "lr/a.png"], "both are 'a'"),
        (["hr/a.png"], "no such folder"),
    ],
)
def test_pairs_that_are_none(files, said):
    photos(*files)
    with pytest.raises(SrganError, match=said) as caught:
        folder_of_pairs("hr", "lr")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("size", "low_size", "scale"),
    [((64, 48), (16, 12), 4), ((67, 50), (16, 12), 4), ((67, 50), (33, 25), 2), ((64, 48), (64, 48), 1)],
)
def test_a_photo_may_have_the_pixels_that_the_protocol_crops(size, low_size, scale):
    photos("hr/a.png", size=size)
    photos("lr/a.png", size=low_size)
    assert pair_scale(folder_of_pairs("hr", "lr")[0]) == scale


@pytest.mark.parametrize("low_size", [(17, 12), (16, 13), (15, 12), (70, 50)])
def test_sides_that_fit_no_scale(low_size):
    photos("hr/a.png", size=(64, 48))
    photos("lr/a.png", size=low_size)
    with pytest.raises(SrganError, match="does not divide"):
        pair_scale(folder_of_pairs("hr", "lr")[0])


# -------------------------------------------------------------------------------------------- what is there


def test_hidden_files_and_macos_copies_are_no_photos():
    photos("p/a.png", "p/.hidden.png", "p/._a.png", "p/.trashed-b.png", "p/__MACOSX/a.png")
    photos("p/.ipynb_checkpoints/a-checkpoint.png", "p/deep/.git/x.png", "p/deep/b.png")
    assert found("p") == ["p/a.png", "p/deep/b.png"]


def test_a_hidden_folder_that_is_named_is_meant():
    photos(".mine/a.png")
    assert found(".mine") == [".mine/a.png"]


def test_linked_folders_are_followed_once():
    photos("far/a.png", "far/deep/b.png", "p/own.png")
    os.symlink("../far", "p/link")
    os.symlink("../far", "p/second")
    os.symlink("../../p", "far/deep/back")  # a circle
    assert found("p") == ["p/link/a.png", "p/link/deep/b.png", "p/own.png"]
    os.symlink("far", "top")
    assert found("top")[:1] == ["top/a.png"]


def test_a_broken_link_is_passed_over():
    photos("p/a.png")
    os.symlink("nothing.png", "p/broken.png")
    assert found("p") == ["p/a.png"]


@pytest.mark.parametrize("suffix", sorted(EXTENSIONS - {".psd", ".pfm"}))  # nothing writes them as photos
def test_what_one_file_may_be_a_folder_may_hold(suffix):
    format = Image.registered_extensions()[suffix]
    assert format in FORMATS
    if format not in Image.SAVE:
        pytest.skip(f"{suffix}: Pillow cannot write it here")
    mode = {".pbm": "1", ".pgm": "L", ".bw": "L"}.get(suffix, "RGB")
    os.mkdir("p")
    Image.new(mode, (8, 8)).save(f"p/a{suffix}", format)
    Image.new(mode, (8, 8)).save(f"p/b{suffix.upper()}", format)
    assert found("p") == [f"p/a{suffix}", f"p/b{suffix.upper()}"]
    assert open_image(f"p/a{suffix}").size == (8, 8)


def test_a_file_of_a_format_that_is_no_photo_is_refused_as_in_a_folder():
    Path("p").mkdir()
    Image.new("RGB", (8, 8)).save("p/a.ico")
    with pytest.raises(SrganError, match="no photos in it"):
        folder_of_photos("p")
    with pytest.raises(SrganError, match="not an image of a known format"):
        open_image("p/a.ico")


def test_photos_that_nothing_here_reads_are_named(capsys):
    photos("p/a.png")
    for suffix in sorted(UNREADABLE):
        Path(f"p/x{suffix}").write_bytes(b"\0\0\0\x18ftypheic")
    assert found("p") == ["p/a.png"]
    assert "passed over x.arw, x.cr2, x.cr3 and 8 more: not read here" in capsys.readouterr().err
    with pytest.raises(SrganError, match="HEIC is not read here"):
        open_image("p/x.heic")


def test_a_users_folder_and_a_folder_called_like_one(monkeypatch):
    photos("home/pics/a.png", "~pics/b.png")
    monkeypatch.setenv("HOME", str(Path("home").absolute()))
    assert found("~/pics") == [str(Path("home/pics/a.png").absolute())]
    assert found("~pics") == ["~pics/b.png"]


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX systems only")
def test_names_in_another_encoding():
    name = os.fsdecode(b"caf\xe9.png")
    photos("p/a.png", f"p/{name}")
    listed = folder_of_photos("p")
    assert [photo.path.name for photo in listed] == ["a.png", name]
    assert len(without_held_out(listed, 1)[1]) == 1
    assert data_facts(listed, "p")["photos"] == 2
