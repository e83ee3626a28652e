"""``book/_tools/compare_processors.py`` computes with the instructions it names, and says what differs."""

import compare_processors
import nbformat
import pytest
from compare_processors import INSTRUCTIONS, available, differences, environment, main


@pytest.fixture
def notebook(tmp_path):
    """A notebook that prints the same everywhere, then what only AVX2 with one thread prints."""
    asked = "import os; print(os.environ['ONEDNN_MAX_CPU_ISA'], os.environ['OMP_NUM_THREADS'])"
    cells = []
    for source, text in (("print(1)", "1\n"), (asked, "AVX2 1\n")):
        output = nbformat.v4.new_output("stream", name="stdout", text=text)
        cells.append(nbformat.v4.new_code_cell(source, outputs=[output], execution_count=1))
    written = nbformat.v4.new_notebook(cells=cells)
    written.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(written, tmp_path / "one.ipynb")
    return tmp_path / "one.ipynb"


def test_only_what_differs_is_named(notebook):
    assert differences(notebook, "avx2", 1) == []
    assert differences(notebook, "sse41", 2) == ["Cell 1"]
    with pytest.raises(RuntimeError, match="pytest did not run it"):
        differences(notebook.with_name("none.ipynb"), "avx2", 1)


def test_every_variant_has_its_own_variables():
    variants = [environment(name, threads) for name in INSTRUCTIONS for threads in (1, 2)]
    keys = (*compare_processors.VARIABLES, "OMP_NUM_THREADS")
    assert len({tuple(variant[key] for key in keys) for variant in variants}) == 6


def test_what_this_processor_lacks_is_left_out(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(compare_processors.torch.cpu, "get_capabilities", lambda: {"avx2": True})
    assert available() == ["sse41", "avx2"]
    told = {("sse41", 1): [], ("sse41", 2): [], ("avx2", 1): ["Cell 4"], ("avx2", 2): []}
    monkeypatch.setattr(compare_processors, "differences", lambda _, *variant: told[variant])
    assert main([str(tmp_path / "a.ipynb")]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "left out, for this processor lacks them: avx512" and len(said) == 5
    assert [line.split("  ")[-1] for line in said[1:]] == ["same", "same", "Cell 4", "same"]
    assert main([str(tmp_path / "a.ipynb"), "--only", "sse41"]) == 0
