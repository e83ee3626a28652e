"""The paper's Tables 1 and 2: the names of their methods and test sets, and a method's column as printed."""

from srgan_lib import records
from srgan_lib.errors import unknown_name
from srgan_lib.evaluation.results import Column

TABLES = ("table1", "table2")
SETS = ("Set5", "Set14", "BSD100")  # the test sets, in the tables' order
MEASURES = ("psnr", "ssim")  # what the tables print, besides opinions
BASELINES = ("SRCNN", "SelfExSR", "DRCN", "ESPCN")  # by other groups
SAME_MODEL = {"SRResNet": "srresnet-mse", "SRGAN": "srgan-vgg54"}  # Table 2's names for two of Table 1's


def methods():
    """The methods of both tables once, in the paper's order: the twelve that people rated (section 3.3)."""
    paper = records.read("paper")
    first = [name for name in paper["table2"][SETS[0]] if name not in (*SAME_MODEL, "HR")]
    return (*first, *paper["table1"][SETS[0]], "HR")


def model_name(method):
    """What the model of a method is called where it is shipped: "SRGAN" is "srgan-vgg54"."""
    return SAME_MODEL.get(method, method.lower())


def numbers_of(model, set_name):
    """{measure: number} that the paper prints for a model on a test set, Table 1 first; empty for others."""
    paper = records.read("paper")
    for table in TABLES:
        for method, numbers in paper[table].get(set_name, {}).items():
            if model_name(method) == model:
                return numbers
    return {}


def paper_column(name, measures=MEASURES):
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
