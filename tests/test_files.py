"""Files are whole or absent, and lie as other programs leave them: permissions, links, long names."""

import os
import stat
from pathlib import Path

import pytest

from srgan_lib.errors import SrganError
from srgan_lib.support import files
from srgan_lib.support.files import expanded, made_folder, whole_file

POSIX = pytest.mark.skipif(os.name != "posix", reason="no POSIX permissions on this system")


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(path, text="new"):
    with whole_file(path) as temporary:
        temporary.write_text(text)


def mode(path):
    return stat.S_IMODE(Path(path).stat().st_mode)


@POSIX
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002, 0o027])
def test_a_new_file_has_the_permissions_that_the_umask_leaves(mask):
    before = os.umask(mask)
    try:
        write("a.txt")
        Path("plain").touch()
        with whole_file("b.txt") as temporary:
            temporary.touch(0o600)  # as some writers do
        assert mode("a.txt") == mode("b.txt") == mode("plain")
        assert os.umask(mask) == mask, "and leaves it as it was"
    finally:
        os.umask(before)


@POSIX
def test_a_replaced_file_keeps_its_permissions():
    Path("a.txt").write_text("old")
    os.chmod("a.txt", 0o640)
    write("a.txt")
    assert (mode("a.txt"), Path("a.txt").read_text()) == (0o640, "new")


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_a_link(there):
    os.mkdir("far")
    if there:
        Path("far/real.txt").write_text("old")
    os.symlink("far/real.txt", "link.txt")
    os.symlink("link.txt", "second.txt")
    write("second.txt")
    assert os.path.islink("link.txt") and os.path.islink("second.txt")
    assert Path("far/real.txt").read_text() == "new" and os.listdir("far") == ["real.txt"]


@pytest.mark.parametrize("name", ["x" * 251 + ".txt", "写" * 83 + ".txt"], ids=["255 letters", "253 bytes"])
def test_the_longest_name_that_a_file_can_have(name):
    write(name)
    assert os.listdir() == [name]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x" * 256, "too long"),
        ("写" * 90 + ".txt", "too long"),
        ("none/a.txt", "No such file"),
        ("file/a.txt", "Not a directory"),
        ("folder", "s a directory"),
        ("nul\0byte.txt", "no file can be called so"),
        ("loop", "cannot be written"),
    ],
    ids=lambda value: value[:8],
)
def test_what_cannot_be_written_is_one_line_and_nothing_is_lost(name, said):
    Path("file").write_text("old")
    os.mkdir("folder")
    os.symlink("loop", "loop")
    before = sorted(os.listdir())
    with pytest.raises(SrganError) as caught:
        write(name)
    line = str(caught.value)
    assert said in line and "\n" not in line and "\0" not in line and len(line) < 300
    assert sorted(os.listdir()) == before and Path("file").read_text() == "old"


@POSIX
@pytest.mark.parametrize("place", ["pipe", os.devnull])
def test_a_pipe_or_a_device_is_never_replaced(place):
    os.mkfifo("pipe")
    with pytest.raises(SrganError, match="a pipe or a device"):
        write(place)
    assert not stat.S_ISREG(os.stat(place).st_mode)


def test_what_is_flushed_may_be_written(monkeypatch):
    """Windows refuses to flush a file that was opened for reading."""
    opened = []

    def noted(*arguments):
        opened.append(arguments)
        return open(*arguments)

    monkeypatch.setattr(files, "open", noted, raising=False)
    write("a.txt")
    assert opened[0][1] == "rb+"


def test_an_error_within_the_block_is_not_touched():
    Path("a.txt").write_text("old")
    with pytest.raises(ValueError, match="mine"), whole_file("a.txt") as temporary:
        temporary.write_text("half")
        raise ValueError("mine")
    assert os.listdir() == ["a.txt"] and Path("a.txt").read_text() == "old"


def test_a_users_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("USERPROFILE", "/home/ada")
    assert expanded("~/a.png") == Path("/home/ada/a.png")
    assert expanded("~no-such-user/a.png") == Path("~no-such-user/a.png")


@pytest.mark.parametrize("folder", ["file", "file/deeper", "x" * 300, "nul\0byte"])
def test_a_folder_that_cannot_be_made(folder):
    Path("file").write_text("old")
    with pytest.raises(SrganError, match="choose another") as caught:
        made_folder(folder, "--out")
    assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)
