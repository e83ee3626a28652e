"""The preset of *A student project, rebuilt*: what it departs in, and that it trains on written pairs."""

from pathlib import Path

import numpy as np
import pytest

import srgan_lib as sr
from srgan_lib.data.pairs import write_pairs
from srgan_lib.data.sources import folder_of_photos
from srgan_lib.degradations import BlurSubsample
from srgan_lib.errors import SrganError
from srgan_lib.images import save_image
from srgan_lib.networks.weights import save_generator
from srgan_lib.training import presets


def test_the_report_of_2023_departs_in_its_size(tmp_path, monkeypatch):
    """Rates, loss and discriminator are those that it states, which are the paper's."""
    monkeypatch.setattr(presets.pretrained, "names", lambda: [])
    for start in ("srresnet-mse-x2", "srgan-vgg54-x2"):
        with pytest.raises(SrganError, match=f"starts from the weights {start}, which are not shipped yet"):
            presets.report2023(start=start)
    config = presets.report2023(data="pairs", initial=tmp_path / "mine.safetensors")
    assert (config.scale, config.lr_data) == (2, str(Path("pairs/train/low")))
    assert config.deviations == (
        "report-srresnet: 1,500 updates instead of 1,000,000",
        "report-srresnet: batch 8 instead of 16",
        "report-srgan: 3,000 updates instead of 200,000",
        "report-srgan: batch 8 instead of 16",
        "other photos than 350,000 of ImageNet",
        "scale 2 instead of 4",
        "crop 48 instead of 96",
        "LR made by blur and subsampling",
    )
    alone = presets.report2023(start="srgan-vgg54-x2", initial="x.safetensors", updates=30, batch=2)
    assert [(stage.name, stage.updates, stage.drop_at) for stage in alone.stages] == [
        ("report-srgan", 30, (15,))
    ]
    with pytest.raises(SrganError, match="did you mean 'srgan-vgg54-x2'"):
        presets.report2023(start="srgan-vgg54")


def test_the_report_of_2023_trains_on_pairs_that_the_library_wrote(tmp_path, narrow_vgg):
    photos = tmp_path / "photos"
    photos.mkdir()
    for index in range(20):
        image = np.random.default_rng(index).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        save_image(image, photos / f"{index}.png")
    pairs = tmp_path / "pairs"
    write_pairs(folder_of_photos(photos), pairs, BlurSubsample(2, 0.8), (17, 3), 64)
    file = tmp_path / "start.safetensors"
    save_generator(sr.Generator(scale=2, blocks=1, channels=8), file)
    small = {"blocks": 1, "channels": 8, "crop": 32, "tensorboard": False, "validate_every": 0, "moments": 0}
    config = presets.report2023(
        data=pairs,
        initial=file,
        updates=2,
        batch=2,
        out=str(tmp_path / "run"),
        vgg_weights=str(narrow_vgg),
        **small,
    )
    result = sr.train(config)
    assert result.stopped == "finished" and result.record["data"]["photos"] == 2
    assert sr.load(tmp_path / "run").config["scale"] == 2
