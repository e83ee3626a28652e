"""Write the table of data sets in data/README.md from the library's catalogue.

python book/_tools/list_data.py
"""

from pathlib import Path

from srgan_lib.data import downloads

README = Path(__file__).resolve().parents[2] / "data" / "README.md"
BEGIN, END = "<!-- catalogue: made by book/_tools/list_data.py -->", "<!-- end of catalogue -->"


def size(count):
    """``count`` bytes as people write it."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def checked(row):
    """How a download of the set is checked."""
    if row.files:
        return "sha256 of each file"
    return f"sha256 `{row.sha256[:12]}...`" if row.sha256 else f"md5 `{row.md5[:12]}...`, by torchvision"


def table():
    """The catalogue as a Markdown table."""
    lines = [
        "| name | what | images | download | licence | origin | checked by |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in downloads.catalogue().values():
        cells = (
            row.name,
            row.what,
            f"{row.images:,}",
            size(row.bytes),
            row.licence,
            row.origin,
            checked(row),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def renewed(text):
    """``text`` of the README with the current table."""
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
