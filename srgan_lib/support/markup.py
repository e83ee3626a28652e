"""Text of ours in Markdown, in HTML and in the terminal, and tables made of lines of cells."""

import re
from html import escape

NOT_MEASURED = "not measured"  # the cell that stands in for our number and for the difference


def markdown_table(lines):
    """Lines of cells as a table in Markdown, the first line its head, numbers to the right.

    As in ``text_table``, "not measured (a)" stands once in a line and then "(a)".
    """
    head, *lines = ([for_markdown(cell) for cell in _without_repetition(line)] for line in lines)
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *lines))


def for_markdown(text):
    """``text`` so that Markdown shows it as it is: a name may hold anything."""
    return re.sub(r"([\\|<>\[\]`*_$~])", r"\\\1", text)


def marked(text):
    """A sentence of ours in Markdown: what stands between backticks is code, all else is shown as it is."""
    return "".join(f"`{part}`" if is_code else for_markdown(part) for part, is_code in _code_parts(text))


def html(text):
    """The same in HTML."""
    parts = _code_parts(text)
    return "".join(
        f"<code>{escape(part)}</code>" if code else escape(part, quote=False) for part, code in parts
    )


def _code_parts(text):
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a backtick without its fellow: no code
        return [(text, False)]
    return [(part, place % 2 == 1) for place, part in enumerate(parts)]


def text_table(lines):
    """Lines of cells as text, names to the left, numbers to the right.

    Where nothing was measured, "not measured (a)" stands over our number and the difference, and "(a)" in the
    columns after that.
    """
    lines = [_without_repetition(line) for line in lines]
    columns = zip(*lines, strict=True)
    widths = [max((len(cell) for cell in column if not _is_wide(cell)), default=1) for column in columns]
    widths[-1] = max(len(line[-1]) for line in lines)
    for line in lines:
        for place, cell in enumerate(line[:-1]):
            if _is_wide(cell):
                widths[place] = max(widths[place], len(cell) - widths[place + 1] - 2)
    return "\n".join(_aligned(line, widths) for line in lines)


def _is_wide(cell):
    return cell.startswith(NOT_MEASURED)


def _without_repetition(line):
    return [
        cell.removeprefix(f"{NOT_MEASURED} ") if cell in line[:place] else cell
        for place, cell in enumerate(line)
    ]


def _aligned(line, widths):
    text = line[0].ljust(widths[0])
    place = 1
    while place < len(line):
        over = 2 if _is_wide(line[place]) and line[place + 1 : place + 2] == ["-"] else 1
        text += "  " + line[place].rjust(sum(widths[place : place + over]) + 2 * (over - 1))
        place += over
    return text
