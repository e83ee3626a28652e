"""What must say the same in two places: contents, dependencies, addresses."""

import re
import shutil
import sys
from pathlib import Path

import list_data
import pytest
import set_repository
import yaml

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


def test_the_address_agrees_everywhere():
    address = set_repository.current_address()
    assert PROJECT["project"]["urls"]["Repository"] == address
    assert CONFIG["repository"]["url"] == address
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["repository-code"] == address
    assert f"git clone {address}" in (ROOT / "README.md").read_text(encoding="utf-8")
    for notebook in sorted((ROOT / "book").glob("*.ipynb")):
        assert f"srgan_lib @ git+{address}" in notebook.read_text(encoding="utf-8"), notebook.name


def test_one_command_moves_the_project(tmp_path):
    for path in set_repository.files():
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    before = {path: path.read_text(encoding="utf-8") for path in set_repository.files(tmp_path)}
    old = set_repository.current_address()
    new = "https://github.com/someone-else/another_name"
    changed = set_repository.set_address(new + ".git/", tmp_path)
    assert {path.name for path in changed} >= {"pyproject.toml", "_config.yml", "README.md", "CITATION.cff"}
    for path in set_repository.files(tmp_path):
        text = path.read_text(encoding="utf-8")
        assert not any(form in text for form in set_repository.forms(old)), path
    assert set_repository.set_address(old, tmp_path) and before == {
        path: path.read_text(encoding="utf-8") for path in before
    }


def test_a_wrong_address_changes_nothing(tmp_path):
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    with pytest.raises(ValueError, match="should look like"):
        set_repository.set_address("my repository", tmp_path)
    assert (tmp_path / "pyproject.toml").read_bytes() == (ROOT / "pyproject.toml").read_bytes()


def test_the_list_of_data_sets_is_current():
    text = (ROOT / "data/README.md").read_text(encoding="utf-8")
    assert list_data.renewed(text) == text


def test_readme_has_the_two_commands_that_ci_extracts():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("python3 -m venv")]
    assert [command.rsplit("&& ", 1)[1] for command in commands] == ["jupyter-book build book/", "pytest"]
