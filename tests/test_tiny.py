"""The preset that everybody can run: from random weights to better than bicubic."""

from srgan_lib.training.loop import train
from srgan_lib.training.presets import tiny

MARGIN = 0.1  # dB


def test_tiny_beats_bicubic_on_both_held_out_photos(tmp_path):
    """No bicubic skip helps it: the whole image is drawn by the network."""
    result = train(tiny(out=str(tmp_path / "run"), tensorboard=False, validate_every=0, preview_every=0))
    (measured,) = result.record["measurements"]
    for name, bicubic in result.record["bicubic_psnr"].items():
        assert measured["psnr"][name] > bicubic + MARGIN, (name, measured["psnr"][name], bicubic)
