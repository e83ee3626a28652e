"""The shipped record of what equation 3's terms weigh is complete, and the log is read as it is written."""

import json
import sys
from pathlib import Path

from srgan_lib import records

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import loss_terms


def test_record_holds_a_whole_log_of_a_gan_stage():
    record = records.read("loss-terms")
    log, stage = record["log"], record["run"]["stage"]
    assert stage["adversarial"] > 0
    assert set(log) == {"update", "content", "adversarial", "d_real", "d_fake"}
    assert {len(column) for column in log.values()} == {len(log["update"])}
    assert log["update"][-1] == stage["updates"] == record["gradients_measured"]["update"]
    assert all(0 <= verdict <= 1 for verdict in log["d_real"] + log["d_fake"])


def test_record_holds_value_and_gradients_of_both_terms():
    norms = records.read("loss-terms")["gradients"]
    places = ("value", "at_pixels", "at_weights")
    assert set(norms) == {f"{term}_{place}" for term in ("content", "adversarial") for place in places}
    assert all(value > 0 for value in norms.values())


def test_other_stages_and_measurements_of_a_log_are_left_out(tmp_path):
    row = {"update": 10, "vgg54": 0.04, "adversarial": 0.7, "d_real": 0.6, "d_fake": 0.4, "generator": 1}
    rows = [{"update": 5, "mse": 0.1}, row, {"update": 10, "psnr": {"chelsea": 30.0}}]
    (tmp_path / "log.jsonl").write_text("\n".join(json.dumps(each) for each in rows))
    columns = loss_terms.from_the_log(tmp_path, "vgg54")
    assert columns == {
        "update": [10],
        "content": [0.04],
        "adversarial": [0.7],
        "d_real": [0.6],
        "d_fake": [0.4],
    }
