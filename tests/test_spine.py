"""What must say the same in two places: contents, dependencies, the address, the version."""

import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import list_data
import pytest
import set_repository
import yaml

from srgan_lib import __version__ as VERSION

ROOT = Path(__file__).resolve().parents[1]

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


def toc_files():
    """The files that the contents list, in order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter for part in toc["parts"] for chapter in part["chapters"]]
    return [toc["root"], *(chapter["file"] for chapter in chapters)]


def test_contents_are_the_same_in_both_places():
    assert (ROOT / "_toc.yml").read_bytes() == (ROOT / "book/_toc.yml").read_bytes()


def test_every_page_is_in_the_contents_once():
    pages = sorted(path.stem for pattern in ("*.md", "*.ipynb") for path in (ROOT / "book").glob(pattern))
    assert pages == sorted(toc_files())


def test_environment_asks_for_what_pyproject_asks_for():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    asked = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *extras["book"], *extras["course"], *extras["test"]]
    wanted = [requirement for requirement in wanted if not requirement.startswith("srgan_lib[")]
    assert asked == ["--editable .", *wanted]
    assert {"srgan_lib[book]", "srgan_lib[course]"} <= set(extras["test"])


def test_only_lower_bounds():
    extras = PROJECT["project"]["optional-dependencies"]
    every = [*PROJECT["project"]["dependencies"], *extras["book"], *extras["course"], *extras["test"]]
    bounded = [requirement for requirement in every if re.search(r"[<=~!]=|<", requirement)]
    assert bounded == ["jupyter-book>=1.0.4,<2"]  # 2.x is another program: see CONTRIBUTING.md


def test_every_package_and_every_file_of_the_library_is_installed():
    assert PROJECT["tool"]["setuptools"]["packages"]["find"] == {"include": ["srgan_lib*"]}
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["srgan_lib"]
    library = ROOT / "srgan_lib"
    files = [path for path in library.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    folders = {path.parent for path in files if path.suffix == ".py"}
    assert all((folder / "__init__.py").exists() for folder in folders), "find sees only what has one"
    data = {path.relative_to(library) for path in files if path.suffix != ".py"}
    taken = {path for path in data if any(path.match(pattern) for pattern in patterns)}
    assert data == taken, f"not in package-data of pyproject.toml: {sorted(map(str, data - taken))}"


TEXTS = {".cff", ".cfg", ".css", ".ipynb", ".js", ".md", ".py", ".sh", ".toml", ".txt", ".yml"}


def test_the_address_stands_in_one_place_and_in_its_copies():
    address = set_repository.current_address()
    assert CONFIG["repository"]["url"] == address
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["repository-code"] == address
    copies = {ROOT / "CITATION.cff", *(ROOT / "book").glob("*.ipynb")}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in listed.splitlines() if Path(name).suffix in TEXTS]
    saying = {path for path in files if path.exists() and address in path.read_text(encoding="utf-8")}
    assert saying == {ROOT / "_config.yml", *copies}
    for path in copies:
        assert path.read_text(encoding="utf-8").count(address) == 1, path.name


def copy_of_all_that_is_written(folder):
    files = ["_config.yml", "CITATION.cff", "srgan_lib/__init__.py", *(ROOT / "book").glob("*.ipynb")]
    for name in files:
        copy = folder / (ROOT / name).relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
    return [folder / (ROOT / name).relative_to(ROOT) for name in files]


def test_one_command_writes_address_and_version_into_their_copies(tmp_path):
    files = copy_of_all_that_is_written(tmp_path)
    assert set_repository.write_copies(tmp_path) == [], "run python book/_tools/set_repository.py"
    before = {path: path.read_bytes() for path in files}
    old = set_repository.current_address(tmp_path)
    set_repository.set_address("https://github.com/someone-else/another_name.git/", tmp_path)
    changed = set_repository.write_copies(tmp_path)
    assert {path.name for path in changed} == {path.name for path in files[1:] if path.suffix != ".py"}
    assert not any(old in path.read_text(encoding="utf-8") for path in files)
    library = tmp_path / "srgan_lib/__init__.py"
    library.write_text(library.read_text(encoding="utf-8").replace(VERSION, "1.10.0"), encoding="utf-8")
    set_repository.write_copies(tmp_path)
    assert "\nversion: 1.10.0\n" in (tmp_path / "CITATION.cff").read_text(encoding="utf-8")
    assert "< [1, 10, 0]:" in set_repository.first_cell(tmp_path)
    library.write_bytes((ROOT / "srgan_lib/__init__.py").read_bytes())
    set_repository.set_address(old, tmp_path)
    set_repository.write_copies(tmp_path)
    assert before == {path: path.read_bytes() for path in files}


@pytest.mark.parametrize(("installed", "is_older"), [("0.1.0", True), (VERSION, False), ("0.10.0", False)])
def test_the_first_cell_says_in_one_line_when_the_library_is_older(installed, is_older, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "srgan_lib", types.SimpleNamespace(__version__=installed))
    exec(re.sub(r"%pip .*", "pass", set_repository.first_cell()), {})
    line = f"srgan_lib {installed} is older than this notebook, which is for {VERSION}: update it\n"
    assert capsys.readouterr().out == (line if is_older else "")


def test_a_wrong_address_changes_nothing(tmp_path):
    copy_of_all_that_is_written(tmp_path)
    with pytest.raises(ValueError, match="should look like"):
        set_repository.set_address("my repository", tmp_path)
    assert (tmp_path / "_config.yml").read_bytes() == (ROOT / "_config.yml").read_bytes()


def test_the_version_stands_in_the_library_and_heads_the_changes():
    assert set_repository.current_version() == VERSION and re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    assert PROJECT["project"]["dynamic"] == ["version"] and "version" not in PROJECT["project"]
    assert PROJECT["tool"]["setuptools"]["dynamic"] == {"version": {"attr": "srgan_lib.__version__"}}
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", changes, re.MULTILINE)[0] == VERSION


def test_the_list_of_data_sets_is_current():
    text = (ROOT / "data/README.md").read_text(encoding="utf-8")
    assert list_data.renewed(text) == text


def test_readme_has_the_two_commands_that_ci_extracts():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("python3 -m venv")]
    assert [command.rsplit("&& ", 1)[1] for command in commands] == ["jupyter-book build book/", "pytest"]
