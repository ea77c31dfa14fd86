"""Makes expected.json: SHA-256 of the files that Pillow's Image.save(format="JPEG", quality=q) makes of pictures by formula
(hipt/base/formula.h), reduced by Pillow so that they are smooth. Run by hand: make_expected.py; needs numpy and Pillow.
"""

import hashlib
import io
import json
import pathlib
import sys

import numpy
import PIL
from PIL import Image

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "interop"))
from published_model import formula_words  # noqa: E402

cases = []
for width, height in ((256, 256), (97, 61), (1, 1), (16, 5), (4, 40)):
    noise = (formula_words("jpeg", f"{width}x{height}", 48) >> numpy.uint64(56)).astype(numpy.uint8).reshape(4, 4, 3)
    picture = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
    for quality in (1, 50, 75, 90, 96, 100):
        file = io.BytesIO()
        picture.save(file, format="JPEG", quality=quality)
        cases.append({"size": [width, height], "quality": quality,
                      "sha256": hashlib.sha256(file.getvalue()).hexdigest()})
text = ",\n".join(json.dumps(case) for case in cases)
(HERE / "expected.json").write_text(f'{{"pillow": "{PIL.__version__}", "cases": [\n{text}\n]}}\n', encoding="utf-8")
