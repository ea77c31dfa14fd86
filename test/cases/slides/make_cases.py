"""Makes the expectations of this folder: what openslide-python (OpenSlide 4.0.1 of openslide-bin), and Pillow for plain
pictures, say about the test slides. Run by hand: make_cases.py DATA ORACLE, the folders that hold slides/ and vit256/.

A case: `file` below the data folder; `reads` and what it must read as, or `code` and words of the error; regions as RGB,
alpha dropped. `since` is the first OpenSlide that knows the format; `misread_levels` are smaller than one of their tiles,
which OpenSlide before 4.0.1 fills with uninitialised memory.
"""

import hashlib
import json
import pathlib
import re
import sys

import numpy
import openslide
from PIL import Image

HERE = pathlib.Path(__file__).parent
DATA = pathlib.Path(sys.argv[1])
ORACLE = pathlib.Path(sys.argv[2])
SIDE = 64


def sha256_of(picture):
    rgb = numpy.ascontiguousarray(numpy.asarray(picture.convert("RGB")))
    return hashlib.sha256(rgb.tobytes()).hexdigest()


def region(slide, level, x, y, width, height):
    return {"level": level, "x": x, "y": y, "width": width, "height": height, "from": "openslide-python",
            "sha256": sha256_of(slide.read_region((x, y), level, (width, height)))}


def border_regions(slide, level, side):
    """Hanging over each border and corner, wholly outside, and one inside."""
    width, height = slide.dimensions
    reach = int(side * slide.level_downsamples[level])
    half = reach // 2
    xs = (-half, width // 2, width - half)
    ys = (-half, height // 2, height - half)
    places = [(x, y) for x in xs for y in ys] + [(-reach - 9, -reach - 9), (width + 7, height + 7), (-3 * reach, 10)]
    return [region(slide, level, x, y, side, side) for x, y in places]


def properties(slide):
    kept = re.compile(r"openslide\.(vendor|objective-power|quickhash-1)$|aperio\.(AppMag|MPP)$|tiff\.ResolutionUnit$")
    return {key: value for key, value in slide.properties.items() if kept.match(key)}


def case_of_slide(file, regions, mpp_source=None, since=None, misread_levels=None):
    slide = openslide.OpenSlide(DATA / file)
    case = {
        "file": file,
        "reads": True,
        "format": slide.properties["openslide.vendor"],
        "levels": [{"width": w, "height": h, "downsample": d}
                   for (w, h), d in zip(slide.level_dimensions, slide.level_downsamples)],
        "mpp": float(slide.properties["openslide.mpp-x"]),
        "objective": float(slide.properties["openslide.objective-power"])
        if "openslide.objective-power" in slide.properties else None,
        "associated": {name: {"width": picture.width, "height": picture.height, "sha256": sha256_of(picture)}
                       for name, picture in slide.associated_images.items()},
        "properties": properties(slide),
        "best_levels": [[d, slide.get_best_level_for_downsample(d)]
                        for d in (0.5, 1, 1.99, 2, 3.99, 3.9989, 4, 4.02, 8, 15.9, 16, 64)],
        "regions": regions(slide),
    }
    if mpp_source:
        case["mpp_source"] = mpp_source
    if since:
        case["since"] = since
    if misread_levels:
        case["misread_levels"] = misread_levels
    return case


def case_of_picture(file, form, picture=None, mpp=None):
    picture = picture or Image.open(DATA / file)
    width, height = picture.size
    regions = []
    for x, y in ((0, 0), (-5, -7), (width - 9, height - 11), (-1, height // 2), (width + 1, 0)):
        canvas = Image.new("RGB", (48, 40))
        canvas.paste(picture.convert("RGB"), (-x, -y))
        regions.append({"level": 0, "x": x, "y": y, "width": 48, "height": 40, "from": "Pillow",
                        "sha256": sha256_of(canvas)})
    case = {"file": file, "reads": True, "format": form, "mpp": mpp, "objective": None, "associated": {},
            "levels": [{"width": width, "height": height, "downsample": 1.0}], "properties": {}, "regions": regions}
    if mpp:
        case["mpp_source"] = "tiff.XResolution"
    return case


def case_of_error(file, code, *words, since=None):
    case = {"file": file, "reads": False, "code": code, "words": list(words)}
    if since:
        case["since"] = since
    return case


def oracle_regions():
    """The pixels that the oracle's features were made from."""
    regions = []
    for folder in ("vit256", "hipt4k"):
        for name, entry in json.loads((ORACLE / folder / "pixels.json").read_text()).items():
            numbers = re.fullmatch(r"slide (?:\S+ )?level 0 x (\d+) y (\d+) (?:width )?(\d+) (?:x|height) (\d+)",
                                   entry["how"])
            if numbers:
                x, y, width, height = map(int, numbers.groups())
                regions.append({"level": 0, "x": x, "y": y, "width": width, "height": height,
                                "from": f"oracle {folder}/pixels.json {name}", "sha256": entry["sha256"]})
    return regions


def openslide341_crops():
    regions = []
    for file in sorted((DATA / "slides/aperio").glob("openslide341_CMU-1-Small-Region_*.png")):
        x, y, side = map(int, file.stem.split("_")[-3:])
        regions.append({"level": 0, "x": x, "y": y, "width": side, "height": side, "from": file.name,
                        "sha256": sha256_of(Image.open(file))})
    return regions


def grey_16_bit(file):
    deep = numpy.asarray(Image.open(DATA / file))
    return Image.fromarray((deep >> 8).astype(numpy.uint8))


def main():
    cases = {}
    cases["cmu-1-small-region"] = case_of_slide(
        "slides/aperio/CMU-1-Small-Region.svs",
        lambda s: oracle_regions() + openslide341_crops() + border_regions(s, 0, SIDE)
        + [region(s, 0, -300, -200, 2820, 3367)], "openslide.mpp-x")
    cases["mosaic-20x"] = case_of_slide(
        "slides/made/mosaic-20x.svs",
        # The large ones are read in blocks: level 0 and levels of whole downsample, from even and odd places.
        lambda s: [r for level in range(3) for r in border_regions(s, level, SIDE)]
        + [region(s, 0, 4103, 3001, 4096, 4096), region(s, 0, 1, 7, 4500, 1100), region(s, 1, 0, 0, 3072, 2560),
           region(s, 1, 37, 411, 3000, 2100), region(s, 2, 5, 3, 768, 640)], "openslide.mpp-x")
    cases["odd-levels"] = case_of_slide(
        "slides/made/odd-levels.svs",
        lambda s: [r for level in range(2) for r in border_regions(s, level, SIDE)]
        + [region(s, 1, 0, 0, 1024, 768), region(s, 1, 1001, 777, 300, 1500)], "openslide.mpp-x")
    for name in ("openslide-python-boxes", "pathml-small_HE_levels"):
        cases[name.lower().replace("_", "-")] = case_of_slide(
            f"slides/other/{name}.tiff", lambda s: [r for level in range(4) for r in border_regions(s, level, 20)],
            misread_levels=[2, 3])
    for name in ("highdicom-sm_image.dcm", "highdicom-sm_image_control.dcm", "wsi2dcm-raw.dicom", "wsi2dcm-jpeg.dicom"):
        cases[name.split(".")[0].replace("_", "-")] = case_of_slide(
            f"slides/dicom/{name}", lambda s: border_regions(s, 0, 40), "openslide.mpp-x", since="4.0.0")

    cases["boxes-png"] = case_of_picture("slides/other/openslide-python-boxes.png", "png")
    cases["kidney-tif"] = case_of_picture("slides/other/histolab-kidney-48-5.tif", "tiff")
    file = "slides/other/pathml-smalltif.tif"
    cases["grey-16-bit-tif"] = case_of_picture(file, "tiff", grey_16_bit(file), 25400 / 96)
    cases["good-jpeg-tif"] = case_of_picture("slides/broken/tifftools-good_jpeg.tif", "tiff", mpp=25400 / 300)
    file = "slides/broken/tifftools-good_single.tif"
    cases["good-single-tif"] = case_of_picture(
        file, "tiff", Image.open(DATA / file).convert("LA").convert("RGB"), 25400 / 300)

    broken = "slides/broken/"
    cases["text-named-svs"] = case_of_error(broken + "histolab-broken.svs", "Unsupported", "begins with the text", "OpenSlide")
    cases["unknown-compression"] = case_of_error(broken + "openslide-python-unopenable.tiff", "Unsupported", "compression: 52479")
    cases["damaged-jpeg-tile"] = case_of_error(broken + "openslide-python-unreadable.svs", "Corrupt", "level 0", "tile (0, 0)", "Bogus marker length")
    cases["bad-header"] = case_of_error(broken + "tifftools-bad_header1.tif", "Unsupported", "no known format")
    cases["bad-jpeg"] = case_of_error(broken + "tifftools-bad_jpeg.tif", "Corrupt", "Premature end of JPEG")
    cases["bad-tag-offset"] = case_of_error(broken + "tifftools-bad_tag_offset.tif", "Corrupt", "ImageDescription")
    cases["dicom-jpeg-ls"] = case_of_error("slides/dicom/highdicom-sm_image_jpegls.dcm", "Unsupported", "transfer syntax", since="4.0.0")
    for name, case in cases.items():
        (HERE / f"{name}.json").write_text(json.dumps(case, indent=1) + "\n")


main()
