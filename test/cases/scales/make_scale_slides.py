"""Makes forty-x.svs and mpp-0265.svs: small slides in Aperio's layout, without a level of 20x, for the rules of pixels.

    python3 make_scale_slides.py CMU-1-Small-Region.svs

The pixels are a part of OpenSlide's CMU-1-Small-Region.svs (CC0); their scale is made up. expected-patches.json beside
them holds what openslide-python reads and Pillow resizes.
"""

import hashlib
import json
import pathlib
import sys

import numpy as np
import openslide
import PIL
import tifffile
from PIL import Image

here = pathlib.Path(__file__).parent
source = openslide.OpenSlide(sys.argv[1])

# name, corner of the part, size, text of the description
SLIDES = [
    ("forty-x.svs", (300, 700), (1280, 1024), "AppMag = 40|MPP = 0.2520"),
    ("mpp-0265.svs", (700, 800), (1100, 900), "MPP = 0.2650"),
]
# What is asked of each: level, side that is read, side that is wanted, corner.
READS = {
    "forty-x.svs": [(0, 512, 256, (256, 128)), (0, 512, 256, (1100, 900)), (1, 256, 128, (0, 0)), (0, 128, 256, (300, 300))],
    "mpp-0265.svs": [(0, 483, 256, (100, 60)), (0, 966, 512, (0, 0)), (1, 242, 256, (40, 8)), (0, 241, 256, (513, 401))],
}


def write_slide(name, corner, size, facts):
    picture = source.read_region(corner, 0, size).convert("RGB")
    reduced = picture.resize((size[0] // 4, size[1] // 4), Image.Resampling.BOX)
    with tifffile.TiffWriter(here / name) as tiff:
        for level, image in enumerate((picture, reduced)):
            text = f"Aperio Image Library v1.0.0\r\n{size[0]}x{size[1]} (256x256) JPEG/RGB Q=60"
            tiff.write(np.asarray(image), tile=(256, 256), photometric="rgb", compression="jpeg",
                       compressionargs={"level": 60}, metadata=None, software=False, datetime=False,
                       description=f"{text}|{facts}" if level == 0 else text, subfiletype=1 if level else 0)


def read_patch(slide, level, side, wanted, corner):
    patch = slide.read_region(corner, level, (side, side)).convert("RGB")
    if side != wanted:
        patch = patch.resize((wanted, wanted), Image.Resampling.BICUBIC)
    return {"level": level, "read_size": side, "patch_size": wanted, "corner": corner,
            "sha256": hashlib.sha256(patch.tobytes()).hexdigest()}


cases = []
for name, corner, size, facts in SLIDES:
    write_slide(name, corner, size, facts)
    slide = openslide.OpenSlide(here / name)
    print(name, slide.level_dimensions, slide.properties.get("openslide.mpp-x"), slide.properties.get("openslide.objective-power"))
    cases += [{"slide": name, **read_patch(slide, *read)} for read in READS[name]]
versions = f"openslide {openslide.__library_version__}, Pillow {PIL.__version__}"
(here / "expected-patches.json").write_text(
    f'{{"made_by": "{versions}",\n"cases": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]}\n")
