"""alike.py - PSNR and SSIM of pairs of images by scikit-image, written as alike.h (tests/ops/test_alike.c). Run by hand:

    python3 tests/vectors/alike.py > tests/vectors/alike.h

Images come from whole numbers alone (image below), so both sides make them anew.
"""
import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity


def unit(i):
    """Numbers in [0,1) that look unordered."""
    h = (i * 2654435761 + 12345) & 0xFFFFFFFF
    h ^= h >> 15
    h = (h * 2246822519) & 0xFFFFFFFF
    h ^= h >> 13
    return (h >> 8) * 2.0**-24


def image(c, h, w, seed, noise):
    i = np.arange(c * h * w, dtype=np.uint64)
    x, y = i % np.uint64(w), i // np.uint64(w) % np.uint64(h)
    smooth = ((x * x + np.uint64(3) * y) % np.uint64(64)) / 64.0
    return ((1 - noise) * smooth + noise * unit(i + np.uint64(seed * 100003))).reshape(c, h, w)


print("/* c, h, w, noise of each image, range, psnr, ssim; made by alike.py with scikit-image */")
for c, h, w, a, b, r in [(1, 11, 11, 0.1, 0.2, 1), (1, 28, 28, 0, 0.5, 1), (3, 32, 32, 0.3, 0.3, 1), (3, 12, 40, 0.05, 1, 1), (2, 17, 13, 0.2, 0.1, 2.5)]:
    x, y = r * image(c, h, w, 1, a), r * image(c, h, w, 2, b)
    s = structural_similarity(x, y, data_range=r, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=0)
    print("{ %d, %d, %d, %g, %g, %g, %.15g, %.15g }," % (c, h, w, a, b, r, peak_signal_noise_ratio(x, y, data_range=r), s))
