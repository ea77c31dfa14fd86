"""Makes expected.json: SHA-256 of what Pillow's Image.resize makes of pictures by formula (hipt/base/formula.h). Run by
hand: make_expected.py; needs numpy and Pillow 12 (13 turns the order of the passes round in some of these sizes).
"""

import hashlib
import json
import pathlib
import sys

import numpy
import PIL
from PIL import Image

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "interop"))
from published_model import formula_words  # noqa: E402

# From width x height to width x height.
SIZES = [
    (512, 512, 256, 256), (483, 483, 256, 256), (257, 255, 256, 256), (255, 257, 256, 256), (256, 256, 512, 512),
    (1024, 1024, 256, 256), (2048, 64, 31, 64), (64, 2048, 64, 31), (300, 200, 300, 100), (300, 200, 150, 200),
    (97, 61, 11, 7), (97, 61, 10, 3), (33, 35, 32, 34), (11, 9, 97, 61), (10, 9, 23, 8), (1, 1, 5, 7), (1, 40, 1, 13),
    (40, 1, 13, 1), (13, 17, 1, 1), (640, 480, 1, 480), (640, 480, 640, 1), (2, 3, 400, 300), (1000, 3, 999, 2),
    (128, 128, 128, 128), (703, 1301, 257, 641), (5000, 5, 3, 4), (5, 400, 4, 3)]


def picture(kind, width, height):
    name = f"{width}x{height}"
    noise = (formula_words("resample", name, width * height * 3) >> numpy.uint64(56)).astype(numpy.uint8)
    if kind == "hard":  # black and white: the cubic's over- and undershoots are clipped
        noise = (noise > 127).astype(numpy.uint8) * 255
    return noise.reshape(height, width, 3)


cases = []
for from_width, from_height, width, height in SIZES:
    for kind in ("noise", "hard"):
        for name, how in (("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC)):
            source = Image.fromarray(picture(kind, from_width, from_height))
            pixels = numpy.asarray(source.resize((width, height), how))
            cases.append({"from": [from_width, from_height], "to": [width, height], "picture": kind, "filter": name,
                          "sha256": hashlib.sha256(pixels.tobytes()).hexdigest()})
text = ",\n".join(json.dumps(case) for case in cases)
(HERE / "expected.json").write_text(f'{{"pillow": "{PIL.__version__}", "cases": [\n{text}\n]}}\n', encoding="utf-8")
