"""The paper's Tables 1 and 2 as printed: a method's column of them, and where they print a number."""

from srgan_lib import records
from srgan_lib.errors import unknown_name
from srgan_lib.evaluation.results import Column

TABLES = ("table1", "table2")


def paper_column(name, measures=("psnr", "ssim")):
    """A method's column of the paper's Table 1 or 2, for comparison: "SRResNet-VGG22", "SRGAN", "DRCN", ...

    Only "psnr" and "ssim" are in the paper. An unknown name raises ``SrganError``.
    """
    tables = [records.read("paper")[name] for name in TABLES]
    known = {method.lower(): method for table in tables for row in table.values() for method in row}
    if name.lower() not in known:
        raise unknown_name("method in the paper", name, known.values())
    method = known[name.lower()]
    printed = {}
    for table in tables:
        for set_name, row in table.items():
            if method in row:
                printed[set_name] = {key: row[method][key] for key in measures if key in row[method]}
    return Column(f"{method} (paper)", printed=printed, facts={"source": "the paper, as printed"})
