"""Makes the pictures of this folder and expected.json: what Pillow (or plain arithmetic, for kinds that Pillow cannot
bring to RGB) reads from them. Run by hand: make_pictures.py CMU-1-Small-Region.svs (CC0); needs numpy, Pillow and
openslide-python.
"""

import hashlib
import json
import pathlib
import struct
import sys
import zlib

import numpy
import openslide
from PIL import Image, PngImagePlugin

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 47, 33
expected = {}


def record(name, rgb, **more):
    rgb = numpy.ascontiguousarray(rgb, dtype=numpy.uint8)
    expected[name] = {"width": rgb.shape[1], "height": rgb.shape[0],
                      "sha256": hashlib.sha256(rgb.tobytes()).hexdigest(), **more}


def record_pillow(name, **more):
    record(name, numpy.asarray(Image.open(HERE / name).convert("RGB")), **more)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_raw_png(name, pixels, depth, colour_type, interlaced=False):
    """pixels: bytes [height, width, bytes a pixel], written without filters."""
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b"".join(b"\0" + row.tobytes() for x, y, dx, dy in passes for row in pixels[y::dy, x::dx])
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], depth, colour_type, 0, 0, int(interlaced))
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    (HERE / name).write_bytes(b"\x89PNG\r\n\x1a\n" + data)


def make_png(rgb, picture):
    text = PngImagePlugin.PngInfo()
    text.add_text("Software", "made for a test")
    text.add_text("Comment", "caf\xe9")  # Pillow stores this as Latin-1
    text.add_itxt("Title", "\u7d44\u7e54 \u03bcm")
    picture.save(HERE / "rgb_text.png", pnginfo=text)
    record_pillow("rgb_text.png", text={"Software": "made for a test", "Comment": "caf\xe9", "Title": "\u7d44\u7e54 \u03bcm"})

    palette = picture.quantize(16)
    palette.save(HERE / "palette_transparent.png", transparency=3)
    record("palette_transparent.png", numpy.asarray(palette.convert("RGB")))
    picture.convert("L").save(HERE / "grey.png")
    record_pillow("grey.png")
    picture.convert("1").save(HERE / "one_bit.png")
    record_pillow("one_bit.png")

    alpha = numpy.arange(WIDTH * HEIGHT, dtype=numpy.uint32).reshape(HEIGHT, WIDTH, 1) % 256
    rgba = numpy.concatenate([rgb, alpha.astype(numpy.uint8)], axis=2)
    Image.fromarray(rgba).save(HERE / "rgba.png")
    record("rgba.png", rgb)

    low = (rgb.astype(numpy.uint16) * 7 + 200) % 256  # rounding would carry many of these up
    deep = (rgb.astype(numpy.uint16) << 8 | low).astype(">u2")
    write_raw_png("rgb_16_bit.png", deep, 16, 2)
    record("rgb_16_bit.png", rgb)
    write_raw_png("interlaced.png", rgb, 8, 2, interlaced=True)
    record_pillow("interlaced.png")


def make_jpeg(picture):
    picture.save(HERE / "baseline_444.jpg", quality=90, subsampling=0)
    picture.save(HERE / "baseline_420.jpg", quality=80, subsampling=2)
    picture.save(HERE / "progressive.jpg", quality=80, progressive=True)
    picture.convert("L").save(HERE / "grey.jpg", quality=80)
    for name in ("baseline_444.jpg", "baseline_420.jpg", "progressive.jpg", "grey.jpg"):
        record_pillow(name)
    picture.convert("CMYK").save(HERE / "cmyk.jpg")
    expected["cmyk.jpg"] = {"error": "Unsupported", "message": "CMYK"}


def make_tiff(rgb, picture):
    picture.save(HERE / "strips_lzw.tif", compression="tiff_lzw", dpi=(25400, 25400))
    record_pillow("strips_lzw.tif", tags={"tiff.XResolution": "25400", "tiff.ResolutionUnit": "inch"})
    picture.save(HERE / "strips_jpeg.tif", compression="jpeg", quality=80, resolution_unit=3, x_resolution=20040,
                 y_resolution=20040)
    record_pillow("strips_jpeg.tif", tags={"tiff.XResolution": "20040", "tiff.ResolutionUnit": "centimeter"})
    picture.save(HERE / "big_deflate.tif", compression="tiff_adobe_deflate", big_tiff=True, description="a test")
    record_pillow("big_deflate.tif", tags={"tiff.ImageDescription": "a test"})
    picture.quantize(16).save(HERE / "palette.tif", compression="packbits")
    record_pillow("palette.tif")
    deep = rgb[:, :, 0].astype(numpy.uint16) * 257 + 100
    deep = numpy.minimum(deep, 65535)
    Image.fromarray(deep).save(HERE / "grey_16_bit.tif")
    record("grey_16_bit.tif", numpy.repeat((deep >> 8)[:, :, None], 3, axis=2))


def main():
    slide = openslide.OpenSlide(sys.argv[1])
    picture = slide.read_region((1000, 1500), 0, (WIDTH, HEIGHT)).convert("RGB")
    rgb = numpy.asarray(picture)
    make_png(rgb, picture)
    make_jpeg(picture)
    make_tiff(rgb, picture)
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


main()
