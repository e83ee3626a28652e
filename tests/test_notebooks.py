"""The rules for a chapter's notebook (CONTRIBUTING.md), checked on the committed files."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
import set_repository

ROOT = Path(__file__).resolve().parents[1]

NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
WITHOUT_EXERCISES = {"read-me-first", "faq", "ask-people-appendix"}
SHEETS = {"exercise-sheet", "a-student-project"}  # of courses: long cells, and figures without numbers
MOST_CELLS, MOST_LINES = 64, 15
FOLDED = {"hide-input", "hide-cell", "remove-cell"}
UNCOMPARED = {"nbval-skip", "nbval-ignore-output", "raises-exception"}
FAST = "fast = False  # True: fewer steps, for a quick check of the whole notebook"
LONG = "long = False  # True: the full experiment, on a GPU and downloaded data; it resumes where it stopped"
PARAMETERS = {FAST, f"{FAST}\n{LONG}"}
EMPTY_TEXT = re.compile(r"<Figure size [^>]*>|<[\w.]+ object[^>]*>|Output\(\)|<IPython[\w.]* object>")
NUMBER = re.compile(r"\d+\.?\d*(?:e[+-]?\d+)?")
IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def printed(cell):
    """The text that a cell shows, without the names of figures and widgets."""
    texts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            texts.append(output.text)
        elif not any("widget" in kind for kind in output.get("data", {})):
            texts.append(output.get("data", {}).get("text/plain", ""))
    return EMPTY_TEXT.sub("", "\n".join(texts)).strip()


def without_magics(source):
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)


def test_valid_small_and_short(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert path.stat().st_size < 1_000_000, "a notebook stays under 1 MB"
    assert len(notebook.cells) <= MOST_CELLS, f"a chapter has at most {MOST_CELLS} cells"
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_visible_code_is_short_and_plotting_is_folded(path):
    if path.stem in SHEETS:
        return
    for cell in code_cells(path):
        if not tags(cell) & FOLDED:
            assert len(cell.source.splitlines()) <= MOST_LINES, cell.source
            assert not re.search(r"plt\.subplots\(|canvas\.draw\(", cell.source), f"fold it: {cell.source}"


def is_figure(output):
    data = output.get("data", {})
    return "image/png" in data or re.search(r"data-srgan-figure|<img\b", data.get("text/html", ""))


def test_every_figure_has_a_number_and_a_caption(path):
    """In the next text, "**Figure 1.** What is seen", counted through the chapter: Colab shows it too."""
    if path.stem in SHEETS:
        return
    waiting, count = 0, 0
    for cell in read(path).cells:
        if cell.cell_type == "code" and "hide-cell" not in tags(cell):
            waiting += sum(1 for output in cell.outputs if is_figure(output))
        elif cell.cell_type == "markdown" and waiting:
            lines = [line for line in cell.source.splitlines() if line]
            for line in lines[:waiting]:
                count += 1
                assert line.startswith(f"**Figure {count}.** ") and len(line) > 30, f"{count}: {line[:80]}"
            waiting = 0
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    assert len(re.findall(r"^\*\*Figure \d+\.\*\*", text, re.MULTILINE)) == count


def test_no_output_says_only_true_or_false(path):
    if path.stem in SHEETS:
        return
    for cell in code_cells(path):
        for line in printed(cell).splitlines():
            assert not re.search(r": (True|False)\b(?!.*\d)", line), line


def test_metadata_say_nothing_about_a_machine(path):
    metadata = read(path).metadata
    assert metadata["kernelspec"] == {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert metadata["language_info"] == {"name": "python"}
    assert set(metadata) <= {"kernelspec", "language_info", "widgets", "mystnb"}
    assert all("papermill" not in cell.metadata for cell in read(path).cells)


def test_begins_with_title_first_cell_and_parameters(path):
    cells = read(path).cells
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")
    headings = [line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    assert sum(line.startswith("# ") for line in headings) == 1, "one title"
    assert any(cell.cell_type == "code" for cell in cells[:3]), "the first code cell is among the first three"
    first, second, *rest = code_cells(path)
    assert first.source == set_repository.first_cell()
    assert second.source in PARAMETERS and "parameters" in tags(second)
    assert not any("pip install" in cell.source for cell in rest), "one %pip install"


def test_stored_outputs_are_of_one_run_from_the_top(path):
    cells = [cell for cell in code_cells(path) if cell.source.strip()]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def test_no_errors_and_no_noise(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            noisy = output.output_type == "stream" and output.name == "stderr" and not tags(cell) & UNCOMPARED
            assert not noisy, f"{output.get('text')}\nin\n{cell.source}"


def test_no_relative_path(path):
    """What a chapter reads comes through srgan_lib: nothing opens a path, and no text names another file but
    a chapter.
    """
    for cell in code_cells(path):
        for node in ast.walk(ast.parse(without_magics(cell.source))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                assert name not in {
                    "open",
                    "np.load",
                    "np.loadtxt",
                    "torch.load",
                    "plt.imread",
                    "os.chdir",
                }, cell.source
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.search(r"(^|['\"(])\.{1,2}/", node.value), cell.source
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\(([^)\s]+)\)", cell.source):
                local = not target.startswith(("http://", "https://", "#", "mailto:", "attachment:"))
                if local:
                    name, _, _ = target.partition("#")
                    assert "/" not in name and (ROOT / "book" / name).is_file(), target
            assert not re.search(r"!\[[^\]]*\]\((?!https?:|attachment:|data:)", cell.source), (
                "a picture beside the notebook"
            )


def test_reads_well_without_the_book(path):
    """Colab shows MyST directives and roles as they are typed."""
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            text = re.sub(
                r"```.*?```|`[^`]*`",
                lambda found: "" if "```{" not in found[0] else found[0],
                cell.source,
                flags=re.S,
            )
            assert not re.search(r"^(`{3,}|:{3,})\s*\{", cell.source, re.MULTILINE), cell.source
            assert not re.search(r"\{(cite|ref|numref|doc|eq|term)[\w:]*\}`", cell.source), cell.source
            assert "<details>" not in text or "</summary>\n\n" in text.replace(
                "</summary> \n", "</summary>\n"
            ), cell.source


def test_solutions_fold_in_book_and_in_colab(path):
    for cell in code_cells(path):
        if cell.source.startswith("# @title Solution"):
            assert cell.metadata.get("cellView") == "form" and "hide-cell" in tags(cell), cell.source
        if "hide-cell" in tags(cell):
            assert cell.source.startswith("# @title "), cell.source


def test_something_moves_without_a_kernel_and_something_computes_with_one(path):
    if path.stem in WITHOUT_EXERCISES:
        return
    source = "\n".join(cell.source for cell in code_cells(path))
    stored = [
        output.get("data", {}).get("text/html", "") for cell in code_cells(path) for output in cell.outputs
    ]
    assert any("data-srgan-figure" in html for html in stored), "a slider of plots"
    assert re.search(r"^live\(", source, re.MULTILINE), "teaching.widgets.live"


def test_no_widget_is_stored(path):
    """It would do nothing without a kernel and make a page load scripts of 1 MB: ``progress.has_reader``."""
    assert "jupyter.widget" not in path.read_text(encoding="utf-8")


def test_three_exercises_or_more_each_with_a_solution_that_is_checked(path):
    """What follows ``# Check`` stays in the students' edition, and must tell a right answer from none."""
    if path.stem in WITHOUT_EXERCISES:
        return
    solutions = [cell.source for cell in code_cells(path) if cell.source.startswith("# @title Solution")]
    assert len(solutions) >= 3
    for source in solutions:
        solution, _, check = source.partition("\n# Check\n")
        assert source.count("\n# Check\n") == 1 and len(solution.splitlines()) > 1, source
        assert any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(check))), source


def test_at_least_half_of_what_is_printed_is_computed_and_compared(path):
    """Of the code cells that print something, at least half print a number that their source does not
    contain, and nbval
    compares it with a fresh run."""
    printing = [cell for cell in code_cells(path) if printed(cell)]
    compared = [
        cell
        for cell in printing
        if not tags(cell) & UNCOMPARED
        and set(NUMBER.findall(printed(cell))) - set(NUMBER.findall(cell.source))
    ]
    assert printing, "a chapter prints the numbers that its figures show"
    assert 2 * len(compared) >= len(printing), f"{len(compared)} of {len(printing)} printing cells"


def test_every_picture_has_alternative_text(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            data = output.get("data", {})
            if any(kind in data for kind in ("image/png", "image/jpeg", "image/svg+xml")):
                alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
                assert len(alt) > 10, f"metadata mystnb.image.alt is missing for\n{cell.source}"
            for tag in IMAGE.findall(data.get("text/html", "")):
                assert re.search(r"""\balt=(["'])[^"']{3,}""", tag), (
                    f"no alt in {tag[:100]} of\n{cell.source}"
                )


def test_makes_no_outside_request(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            html = output.get("data", {}).get("text/html", "")
            assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", html), cell.source
