"""One peer that reads squares of a slide as RGB: reader.py PEER SLIDE CORNERS SIDE THREADS (see contestant.py)."""

import hashlib
import os
import pathlib
import sys
import time

import numpy as np

import contestant


class Reader:
    """read() gives a square as uint8 [side, side, 3]."""

    def read_all(self, corners, side, threads, take):
        """take(i, square) for each corner, from any of the threads."""
        contestant.on_threads(threads, len(corners), lambda _: lambda i: take(i, self.read(corners[i], side)))


class OpenSlide(Reader):
    """One slide for all threads: OpenSlide allows it, and the calls release the interpreter."""

    def __init__(self, file):
        import openslide
        self.slide = openslide.OpenSlide(file)

    def read(self, corner, side):
        return np.asarray(self.slide.read_region(corner, 0, (side, side)).convert("RGB"))


class TiffFile(Reader):
    """Each tile decoded once by imagecodecs (libjpeg-turbo), with the bytes read by pread."""

    def __init__(self, file):
        import tifffile
        self.file = tifffile.TiffFile(file)
        self.page = self.file.pages[0]
        self.descriptor = os.open(file, os.O_RDONLY)
        if not self.page.is_tiled:
            sys.exit("the slide has no tiles")

    def __del__(self):
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)
            self.file.close()

    def tile(self, index):
        page = self.page
        data = os.pread(self.descriptor, page.databytecounts[index], page.dataoffsets[index])
        return page.decode(data, index, jpegtables=page.jpegtables)[0][0]

    def read(self, corner, side):
        x, y = corner
        page = self.page
        across = -(-page.imagewidth // page.tilewidth)
        square = np.empty((side, side, 3), np.uint8)
        for row in range(y // page.tilelength, (y + side - 1) // page.tilelength + 1):
            for column in range(x // page.tilewidth, (x + side - 1) // page.tilewidth + 1):
                top, left = row * page.tilelength - y, column * page.tilewidth - x  # of the tile, in the square
                pixels = self.tile(row * across + column)[max(-top, 0):side - top, max(-left, 0):side - left]
                top, left = max(top, 0), max(left, 0)
                square[top:top + pixels.shape[0], left:left + pixels.shape[1]] = pixels
        return square


class CuImage(Reader):
    """Its own threads read a list of places, in order."""

    def __init__(self, file):
        import cucim
        self.slide = cucim.CuImage(file)

    def read(self, corner, side):
        return np.asarray(self.slide.read_region(corner, (side, side), 0))

    def read_all(self, corners, side, threads, take):
        squares = self.slide.read_region(corners, (side, side), 0, num_workers=threads, batch_size=1)
        for i, square in enumerate(squares):
            take(i, np.asarray(square).reshape(side, side, 3))


PEERS = {"openslide": OpenSlide, "tifffile": TiffFile, "cucim": CuImage}


def main():
    peer, slide, corners, side, threads = sys.argv[1:]
    side, threads = int(side), int(threads)
    lines = pathlib.Path(corners).read_text(encoding="utf-8").splitlines()
    corners = [tuple(map(int, line.split())) for line in lines]

    def opened():
        try:
            return PEERS[peer](slide)
        except ImportError as error:
            sys.exit(f"does not import: {error}")

    def one_pass():
        reader = opened()  # anew, so that no cache of tiles is warm; not in the time
        begin = time.perf_counter()
        reader.read_all(corners, side, threads, lambda i, square: None)
        return time.perf_counter() - begin

    def results(file):
        digests = [""] * len(corners)

        def take(i, square):
            digests[i] = hashlib.sha256(np.ascontiguousarray(square)).hexdigest()

        opened().read_all(corners, side, threads, take)
        pathlib.Path(file).write_text("".join(f"{digest}\n" for digest in digests), encoding="utf-8")

    opened().read(corners[0], side)
    contestant.answer(one_pass, results)


if __name__ == "__main__":
    main()
