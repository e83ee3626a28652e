"""How sharp the authors' published images and ours are: gradients, power spectra, features; and the plane.

    SRGAN_DATA=... python tests/benchmarks/perception.py [--vgg vgg19.safetensors] [--lpips] [--sets Set5]

For each image of the sets the results of bicubic, the authors' SRResNet-MSE and SRGAN-VGG54, and the two
shipped models are set beside the original: PSNR as in the paper (section 3.1), the statistics of
``srgan_lib.perception``, and the mean squared distance of VGG19's phi 5,4, where ``--vgg`` gives its weights.
Then the interpolations between the two shipped models on the plane, of their weights and of their output
images. ``--lpips`` measures LPIPS too (a package and a download). The result is the library's record
``perception`` (``--out`` names another file). Run it again whenever better weights are shipped: about 12
minutes on an idle CPU core with ``--vgg``, 5 without.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

import numpy as np
import torch

import srgan_lib as sr
from srgan_lib import perception, pretrained
from srgan_lib.data.downloads import get
from srgan_lib.images import imresize, open_image, read_rgb, to_signed
from srgan_lib.inference import FastGenerator
from srgan_lib.networks.interpolation import interpolate
from srgan_lib.networks.vgg import VGG19Features
from srgan_lib.training.content import feature_scale

RECORD = Path(__file__).resolve().parents[2] / "srgan_lib" / "records" / "perception.json"
PUBLISHED = {"SRResNet (authors)": "SRResNet-MSE", "SRGAN (authors)": "SRGAN-VGG54"}
OURS = {"SRResNet (ours)": "srresnet-mse", "SRGAN (ours)": "srgan-vgg54"}
STEPS = [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1]
UNITS = {
    "psnr": "dB, Y, 4 pixels off each border",
    "rms": "root mean square of the luma gradients, levels",
    "kurtosis": "of the luma gradients; Gaussian noise has 3",
    "exponent": "of the generalised Gaussian; Gaussian noise has 2",
    "excess": "perception.excess_power, dB",
    "distance": "perception.spectrum_distance from the original, dB",
    "bands": "power beyond the original's at each of perception.FREQUENCIES, dB",
    "vgg54": "mean squared distance of phi 5,4 from the original's, scaled as srgan_lib's VGG loss",
    "lpips": "LPIPS, AlexNet",
}


def alone(image):
    """What a picture shows of itself, without an original."""
    found = perception.gradient_statistics(image)._asdict()
    spectrum = perception.power_spectrum(image)
    return found | {"excess": perception.excess_power(spectrum)}, spectrum


def beside(image, hr, judges):
    """Every number of one result; ``hr`` is grey where the original is, and then the result's mean counts."""
    plane = image if hr.ndim == 3 else image.mean(axis=2)
    found, spectrum = alone(plane)
    original = perception.power_spectrum(hr)
    found |= {
        "psnr": sr.psnr(image, hr),
        "distance": perception.spectrum_distance(spectrum, original),
        "bands": (spectrum - original).tolist(),
    }
    colour = hr if hr.ndim == 3 else np.stack([hr] * 3, axis=2)
    return found | {name: judge(image, colour) for name, judge in judges.items()}


def vgg_distance(weights):
    """A function of two RGB images: the mean squared distance of their phi 5,4."""
    network = VGG19Features("54", weights)
    scale = feature_scale(network)
    originals = {}  # the last one's features: five results are compared with it

    @torch.inference_mode()
    def features(image):
        return network(to_signed(image[4:-4, 4:-4])[None]) / scale

    def distance(result, hr):
        key = hr.tobytes()
        if key not in originals:
            originals.clear()
            originals[key] = features(hr)
        return (features(result) - originals[key]).square().mean().item()

    return distance, network


def measure_set(name, published, models, judges):
    """{method: {number: [one a image]}}, and the images' names."""
    folder, rows = get(name), {}
    files = sorted((folder / "HR").glob("*.png"))
    for file in files:
        hr = np.array(open_image(file))
        lr = read_rgb(folder / "LRx4" / file.name)
        results = {"bicubic": imresize(lr, 4)}
        for method, place in PUBLISHED.items():
            results[method] = read_rgb(published / name / place / file.name)
        for method, model in models.items():
            results[method] = sr.upscale(lr, model, progress=False)
        numbers = {method: beside(image, hr, judges) for method, image in results.items()}
        for method, found in {"HR": alone(hr)[0], **numbers}.items():
            for key, value in found.items():
                rows.setdefault(method, {}).setdefault(key, []).append(np.round(value, 4).tolist())
        print(name, file.stem, flush=True)
    return {"images": [file.stem for file in files], "methods": rows}


def measure_paths(name, ends):
    """Mean PSNR and spectrum distance between the two models: weights mixed, and images mixed."""
    folder, found = get(name), {"weights": [], "images": []}
    files = sorted((folder / "HR").glob("*.png"))
    pairs = [(np.array(open_image(file)), read_rgb(folder / "LRx4" / file.name)) for file in files]
    outputs = []
    for t in STEPS:
        engine = FastGenerator(interpolate(*ends, t))
        outputs.append([sr.upscale(lr, engine, progress=False) for _, lr in pairs])
        print(name, "t =", t, flush=True)
    for step, t in enumerate(STEPS):
        mixed = [
            np.round((1 - t) * a.astype(float) + t * b).astype(np.uint8)
            for a, b in zip(outputs[0], outputs[-1], strict=True)
        ]
        for path, images in (("weights", outputs[step]), ("images", mixed)):
            numbers = [beside(image, hr, {}) for image, (hr, _) in zip(images, pairs, strict=True)]
            means = {
                key: round(float(np.mean([row[key] for row in numbers])), 4) for key in ("psnr", "distance")
            }
            found[path].append({"t": t, **means})
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", default=["Set5", "Set14"])
    parser.add_argument(
        "--published", type=Path, default=Path(os.environ.get("SRGAN_DATA", "")) / "published"
    )
    parser.add_argument("--vgg", help="VGG19 weights (safetensors) for the distance of features")
    parser.add_argument("--lpips", action="store_true")
    parser.add_argument("--out", type=Path, default=RECORD)
    options = parser.parse_args()
    start, judges, vgg = time.time(), {}, None
    if options.vgg:
        judges["vgg54"], network = vgg_distance(options.vgg)
        vgg = {"weights": network.weights_name, "sha256": network.weights_sha256}
    if options.lpips:
        judges["lpips"] = perception.lpips
    ends = [sr.load(name) for name in OURS.values()]
    models = {method: FastGenerator(end) for method, end in zip(OURS, ends, strict=True)}
    sets = {name: measure_set(name, options.published, models, judges) for name in options.sets}
    paths = {name: measure_paths(name, ends) for name in options.sets}
    record = {
        "what": "sharpness statistics of results on the paper's test sets, and interpolations on the plane",
        "made_by": "tests/benchmarks/perception.py",
        "hardware": f"{os.cpu_count()} CPU cores, {platform.machine()}, {torch.get_num_threads()} thread(s)",
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
        "seconds": round(time.time() - start),
        "models": {
            method: {key: pretrained.record(name).get(key) for key in ("what", "updates", "sha256")}
            for method, name in OURS.items()
        },
        "vgg": vgg,
        "lpips": None if options.lpips else "not measured: its weights are a download",
        "units": UNITS,
        "sets": sets,
        "paths": paths,
    }
    options.out.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
