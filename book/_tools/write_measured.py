"""Write the page of every number of the tables, book/measured.md, from the record ``evaluation``.

    python book/_tools/write_measured.py

It is the report of ``srgan report``, as a page of the book; to be written again when the record, the shipped
models or the report's form change.
"""

from pathlib import Path

from srgan_lib.evaluation import record as evaluation_record
from srgan_lib.report import content, text
from srgan_lib.support.files import whole_file

PAGE = Path(__file__).resolve().parents[1] / "measured.md"
HEAD = """\
# Every number of the tables

<!-- Written by book/_tools/write_measured.py from the record evaluation: do not edit. -->

The paper's Tables 1 and 2 as printed, our number beside each, and under them every image. The numbers are
in the record `evaluation`, which comes with the library; what we have nothing of says so, and why.
[The tables](the-tables.ipynb) tells what they mean; which of the paper's claims they bear out, the
[Reproduction report](reproduction.md) says. The same for your own weights, result images and opinions:

```bash
{measure}            # the test sets that are on your machine; it can be stopped, and goes on
srgan report --out report/        # report.html, report.md, and CSV for spreadsheets
```

{circumstances}

"""


def page():
    """The whole page."""
    record = evaluation_record.read()
    head = HEAD.format(measure=evaluation_record.COMMAND, circumstances=circumstances(record))
    return head + text.markdown(content.make(record))


def circumstances(record):
    """On what was measured, of all methods together."""
    machines = {facts["hardware"] for facts in record.record["methods"].values()}
    versions = {facts["versions"]["torch"] for facts in record.record["methods"].values()}
    return f"Measured on: {', '.join(sorted(machines))}; torch {', '.join(sorted(versions))}."


def main():
    with whole_file(PAGE) as temporary:
        temporary.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
