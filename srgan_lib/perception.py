"""How sharp and how natural a picture is, apart from where its pixels are; and distances of features.

Nothing here compares two pictures pixel by pixel (``metrics`` does). Luma gradients and the power spectrum
describe a picture by a few numbers, and these are set beside an original's, or beside those of photographs
in general (``natural``). At the end stand the two measures that compare the features of networks, which need
weights that are not part of the library: ``VGGDistance`` and ``lpips``. Images are as in ``metrics``:
``PIL.Image`` or arrays of levels 0 to 255, (H, W, 3) in RGB or (H, W) in grey; the statistics are those of
the unrounded Y channel.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from scipy.fft import fft2
from scipy.ndimage import uniform_filter
from scipy.optimize import brentq
from scipy.signal.windows import hann
from scipy.special import gammaln

from srgan_lib.errors import SrganError
from srgan_lib.images import luma, to_signed
from srgan_lib.networks.vgg import VGG19Features, depth

# Half-octave bands of spatial frequency in cycles a pixel, from 1/32 to the corner of the frequency plane.
EDGES = 0.5 * 2.0 ** (np.arange(-8, 2) / 2)
FREQUENCIES = np.sqrt(EDGES[:-1] * EDGES[1:])  # the bands' centres, 9 of them
BEYOND = 1 / 8  # the highest frequency along a row that an input 4 times smaller can hold
SMALLEST_SIDE = 64  # pixels, for a spectrum: two waves of the lowest frequency
FINE_BANDS = ((0.15, 0.25), (0.25, 0.38), (0.38, 0.5))  # of radial frequency, cycles a pixel
GRID_WINDOW, GRID_CLIP = 5, 15  # pixels, levels
FLOOR = 1e-3  # levels squared: stands for no power at all (rounding to 8 bits leaves 0.08)

# --------------------------------------------------------------------------------------- gradients


class GradientStatistics(NamedTuple):
    """What ``gradient_statistics`` returns: ``rms`` in levels, ``kurtosis`` and ``exponent`` without unit."""

    rms: float
    kurtosis: float
    exponent: float


def gradients(image, crop=4):
    """Differences of the Y of neighbouring pixels, to the right and downwards: float64 (N,), levels.

    ``crop`` pixels are removed from each border first, as by ``metrics``. Raises ``SrganError`` where fewer
    than 2x2 pixels are left.
    """
    plane = _plane(image, crop, smallest=2)
    return np.concatenate([np.diff(plane, axis=axis).ravel() for axis in (1, 0)])


def gradient_statistics(image, crop=4):
    """Size and shape of the distribution of luma gradients, as ``GradientStatistics``.

    ``rms`` is the root mean square in levels: contrast of fine detail, and noise. ``kurtosis`` is the fourth
    moment divided by the squared second (Gaussian noise: 3). ``exponent`` is b of the generalised Gaussian
    ``exp(-abs(g / s) ** b)`` with the same ratio of mean size to ``rms``: 2 for Gaussian noise, 1 for a
    Laplace distribution, below 1 for most photographs, whose gradients are mostly small and sometimes very
    large. It lies in [0.2, 10]. Raises ``SrganError`` for an image without any gradient.
    """
    found = gradients(image, crop)
    square = np.mean(found**2)
    if square == 0:
        raise SrganError("an image of one level has no gradients to describe; choose another")
    ratio = np.mean(np.abs(found)) ** 2 / square
    kurtosis = np.mean(found**4) / square**2
    return GradientStatistics(float(square**0.5), float(kurtosis), _exponent(ratio))


def gradient_histogram(image, edges, crop=4):
    """The share of luma gradients in each bin, (len(edges) - 1,); what lies outside the edges counts too.

    ``edges`` are ascending, in levels. Divided by the bins' widths the shares are a density.
    """
    found = gradients(image, crop)
    return np.histogram(found, edges)[0] / len(found)


def _exponent(ratio, lowest=0.2, highest=10.0):
    """The generalised Gaussian's exponent from (mean size)^2 / mean square, by bisection."""

    def excess(b):
        return np.exp(2 * gammaln(2 / b) - gammaln(1 / b) - gammaln(3 / b)) - ratio

    if excess(lowest) >= 0:
        return lowest
    return highest if excess(highest) <= 0 else float(brentq(excess, lowest, highest, xtol=1e-10))


# ---------------------------------------------------------------------------------- power spectrum


def power_spectrum(image, crop=4):
    """Power at each of the ``FREQUENCIES``, all directions together: float64 (9,), dB.

    It is a density: the mean of the squared Fourier coefficients in a band, in levels squared for each
    (cycle a pixel) squared, as 10 log10. White noise of standard deviation s gives 20 log10(s) in each band;
    photographs fall by 6 dB an octave and more. The picture's mean is removed and a Hann window hides that
    its edges do not meet. The last band is the corners of the frequency plane: diagonal detail, and grids.
    Raises ``SrganError`` where less than 64x64 pixels are left.
    """
    density, frequency = _density(_plane(image, crop, SMALLEST_SIDE))
    band = np.digitize(frequency, EDGES * (1 + 1e-9), right=True).ravel()  # 0: below the lowest
    count = np.bincount(band, minlength=len(EDGES))[1:]
    power = np.bincount(band, density.ravel(), len(EDGES))[1:] / count
    return 10 * np.log10(np.maximum(power, FLOOR))


def _density(plane):
    """(power density, radial frequency in cycles a pixel) of a plane, both (H, W)."""
    window = np.outer(*(hann(side, sym=False) for side in plane.shape))
    plane = window * (plane - np.average(plane, weights=window))
    rows, columns = (np.fft.fftfreq(side) for side in plane.shape)
    return np.abs(fft2(plane)) ** 2 / np.sum(window**2), np.hypot(rows[:, None], columns)


def spectrum_distance(a, b, above=BEYOND):
    """How far two spectra of ``power_spectrum`` lie apart, in dB: root mean square over the bands.

    Only bands from the frequency ``above`` on count, in cycles a pixel: at 1/8 what a 4 times smaller input
    cannot hold, and 0 for all. 0 for equal spectra, which different pictures may have.
    """
    apart = (np.asarray(a) - np.asarray(b))[_beyond(above)]
    return float(np.sqrt(np.mean(apart**2)))


def power_law(spectrum, below=BEYOND):
    """(slope in dB an octave, power in dB at 1 cycle a pixel): the line through the bands up to ``below``."""
    known = ~_beyond(below)
    slope, intercept = np.polyfit(np.log2(FREQUENCIES[known]), np.asarray(spectrum)[known], 1)
    return float(slope), float(intercept)


def excess_power(spectrum, above=BEYOND):
    """What a spectrum has beyond ``above`` more than its own ``power_law`` below promises, in dB; a mean.

    It needs no original: about zero for a spectrum that goes on as it began, negative for a blurred picture,
    positive for noise.
    """
    slope, intercept = power_law(spectrum, above)
    beyond = _beyond(above)
    promised = slope * np.log2(FREQUENCIES[beyond]) + intercept
    return float(np.mean(np.asarray(spectrum)[beyond] - promised))


def _beyond(frequency):
    """Which bands lie above a frequency."""
    return np.array([centre > frequency for centre in FREQUENCIES])


def _plane(image, crop, smallest):
    """The Y of an image without its border, float64 (H, W)."""
    plane = luma(np.asarray(image))
    plane = plane[crop : plane.shape[0] - crop, crop : plane.shape[1] - crop]
    if min(plane.shape) < smallest:
        left = f"{plane.shape[1]}x{plane.shape[0]} pixels are left without {crop} at each border"
        raise SrganError(f"{left}, and {smallest}x{smallest} are needed; use a larger image")
    return plane


def fine_power(image, crop=4):
    """Power in the three ``FINE_BANDS`` of radial frequency: float64 (3,), sums in levels squared.

    Mean and window are those of ``power_spectrum``. Beyond 1/8 of a cycle a pixel a 4 times smaller input
    holds nothing, so what is here was made up by the network.
    """
    power, frequency = _density(_plane(image, crop, SMALLEST_SIDE))
    return np.array([power[(frequency > low) & (frequency <= high)].sum() for low, high in FINE_BANDS])


def fine_power_ratio(images, originals, crop=4):
    """Fine power of images against their originals' in the ``FINE_BANDS``: float64 (3,), dB.

    Sums over the images first, so that pictures full of detail count most. 0 is as much as the originals;
    rounding to 8 bits leaves enough power that none is ever nothing.
    """
    ours, theirs = (sum(fine_power(image, crop) for image in part) for part in (images, originals))
    return 10 * np.log10(np.maximum(ours, FLOOR) / np.maximum(theirs, FLOOR))


def grid(image, period=4, crop=4):
    """How strong a pattern repeats every ``period`` pixels in both directions, in levels; a photo: about 0.1.

    The Y channel minus its 5x5 mean is its fine part, clipped to 15 levels either way, so that a few edges do
    not decide. Its mean over each of the ``period`` x ``period`` phases is nearly 0 in a photograph, in which
    no phase is special; the result is the standard deviation of these means. Sub-pixel convolution with the
    factor 4 draws period 4 and 2; neither shows as a gradient's or a spectrum's single number.
    """
    plane = _plane(image, crop, smallest=4 * period)
    fine = np.clip(plane - uniform_filter(plane, GRID_WINDOW), -GRID_CLIP, GRID_CLIP)
    return float(np.std([fine[i::period, j::period].mean() for i in range(period) for j in range(period)]))


# -------------------------------------------------------------------------------- natural photographs


class Sharpness(NamedTuple):
    """Three numbers of a picture that need no original; ``sharpness`` measures them.

    ``contrast`` is the ``rms`` of ``gradient_statistics`` as 20 log10, dB (1 level: 0), ``exponent`` its
    exponent, and ``excess`` the ``excess_power`` of the spectrum, dB.
    """

    contrast: float
    exponent: float
    excess: float


def sharpness(image, crop=4):
    """The ``Sharpness`` of one picture. Raises ``SrganError`` where its parts do."""
    size, _, exponent = gradient_statistics(image, crop)
    return Sharpness(20 * np.log10(size), exponent, excess_power(power_spectrum(image, crop)))


class Natural(NamedTuple):
    """How ``Sharpness`` is distributed among photographs: ``mean`` (3,) and ``covariance`` (3, 3)."""

    mean: np.ndarray
    covariance: np.ndarray

    def distance(self, found):
        """How far a ``Sharpness`` is from the photographs', in standard deviations; 0 at their mean.

        It is Mahalanobis' distance divided by the root of 3, so that its root mean square over the
        photographs themselves is 1. A photograph is thus about as far away as photographs are from each
        other, and no picture is better the closer it comes.
        """
        apart = np.subtract(found, self.mean)
        return float(np.sqrt(apart @ np.linalg.solve(self.covariance, apart) / len(apart)))


def natural(photographs, crop=4):
    """The ``Natural`` of at least 4 photographs, an iterable of images; say which ones, with any result."""
    rows = np.array([sharpness(photograph, crop) for photograph in photographs])
    if len(rows) < 4:
        raise SrganError(f"{len(rows)} photographs do not show how photographs vary; give 4 or many more")
    return Natural(rows.mean(axis=0), np.cov(rows.T, bias=True))


# ------------------------------------------------------------------------------ distances of features


class VGGDistance:
    """Distances of VGG19's features phi_{i,j} (section 2.2.1) between two images; 0 for equal ones.

    Calling it with ``(image, original, crop=4)``, both of one size, gives ``{layer: distance}``: the squared
    difference of the features, summed, divided by the summed squares of the original's. So no scale is
    left, layers can be compared, and 1 is as far away as no features at all. Up to that division it is the
    paper's VGG loss: a model trained with that loss has trained for this number. Unlike LPIPS it was not
    fitted to people's judgements.

    ``layers`` are names such as "22" and "54"; one pass through the network gives all of them. ``weights``
    are those of ``VGG19Features`` (None: torchvision's own, downloaded); ``weights_name`` and
    ``weights_sha256`` say which they are. The last original's features are kept for the next image. Raises
    ``SrganError`` for images of different sizes, and for less than 16x16 pixels inside ``crop``.
    """

    def __init__(self, layers=("22", "54"), weights=None):
        self.layers = sorted(layers, key=depth)
        self.network = VGG19Features(self.layers[-1], weights).to(memory_format=torch.channels_last)
        self.weights_name, self.weights_sha256 = self.network.weights_name, self.network.weights_sha256
        self._kept = None, None

    def __call__(self, image, original, crop=4):
        image, original = (_colour_inside(picture, crop) for picture in (image, original))
        if image.shape != original.shape or min(image.shape[:2]) < 16:
            sizes = " and ".join(f"{picture.shape[1]}x{picture.shape[0]}" for picture in (image, original))
            raise SrganError(f"VGG19 compares images of one size, 16x16 or more inside the crop, not {sizes}")
        if self._kept[0] is None or not np.array_equal(self._kept[0], original):
            self._kept = original, self._features(original)
        pairs = zip(self.layers, self._features(image), self._kept[1], strict=True)
        return {layer: _relative(ours, theirs) for layer, ours, theirs in pairs}

    @torch.inference_mode()
    def _features(self, image):
        """The layers' features, in order of depth, of uint8 (H, W, 3)."""
        values = self.network.normalised(to_signed(image)[None]).contiguous(memory_format=torch.channels_last)
        found, done = [], 0
        for layer in self.layers:
            values = self.network.network[done : depth(layer)](values)
            found, done = [*found, values], depth(layer)
        return found


def _relative(ours, theirs):
    return float((ours - theirs).square().sum() / theirs.square().sum())


def _colour_inside(image, crop):
    """uint8 (H, W, 3) without its border; grey becomes three equal channels."""
    levels = np.asarray(image)
    if levels.ndim == 2:
        levels = np.stack([levels] * 3, axis=2)
    levels = levels[crop : levels.shape[0] - crop, crop : levels.shape[1] - crop]
    return levels.round().astype(np.uint8)


def lpips(a, b, crop=4):
    """LPIPS (Zhang et al., 2018), AlexNet: a distance of features, 0 for equal images; smaller is better.

    Computed by the package ``lpips`` or by ``torchmetrics``, whichever is installed; the network's weights
    are downloaded on the first call. ``crop`` pixels are removed from each border of both images first, and
    levels are handed over as [-1, 1]. Raises ``SrganError`` where neither package is there or the weights
    cannot be had.
    """
    a, b = (to_signed(_colour_inside(image, crop))[None] for image in (a, b))
    with torch.inference_mode():
        return float(_lpips_network()(a, b))


@lru_cache(maxsize=1)
def _lpips_network():
    try:
        return _from_a_package().eval()
    except ImportError as error:
        raise SrganError("LPIPS needs another package; pip install torchmetrics") from error
    except OSError as error:
        raise SrganError(f"LPIPS's weights cannot be fetched ({error}); try again when online") from error


def _from_a_package():
    try:
        import lpips as package

        return package.LPIPS(net="alex", verbose=False)
    except ImportError:
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

        return LearnedPerceptualImagePatchSimilarity(net_type="alex")
