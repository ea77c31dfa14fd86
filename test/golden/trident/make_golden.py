"""Makes the files of this folder from the oracle's trident/: polygons and coords as arrays, the cases' numbers.

    python3 make_golden.py ../../../../shared/oracle/trident
"""

import gzip
import json
import pathlib
import sys

import numpy as np

oracle = pathlib.Path(sys.argv[1])
here = pathlib.Path(__file__).parent


def polygons(name):
    """Rows (polygon, ring, points) and all points one after another; a closed ring's last point is left out."""
    file = oracle / name
    text = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    rings, points = [], []
    number = 0
    for feature in json.loads(text)["features"]:
        geometry = feature["geometry"]
        for polygon in geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]:
            for ring, ring_points in enumerate(polygon):
                rings.append((number, ring, len(ring_points) - 1))
                points += ring_points[:-1]
            number += 1
    return np.array(rings, np.int32), np.array(points, np.float64)


index = json.loads((oracle / "index.json").read_text())
coords = np.load(oracle / "coords.npz")
cases, arrays, kept = [], {}, {}
for case in index["cases"]:
    if case.get("exception"):
        continue
    attributes = {name: entry["value"] for name, entry in case["attrs"].items()}
    contours = case["contours"].partition(".")[0]
    arrays[contours + "_rings"], arrays[contours + "_points"] = polygons(case["contours"])
    kept[case["coords"]] = coords[case["coords"]]
    cases.append({
        "id": f"{contours}: {case['how']}: {case['mag']}x {case['patch_size']} overlap {case['overlap']} "
              f"proportion {case['min_tissue_proportion']}",
        "contours": contours, "coords": case["coords"], "min_tissue_proportion": case["min_tissue_proportion"],
        "coords_sha256_int64": case["coords_sha256_int64"], "attrs": attributes})

np.savez_compressed(here / "polygons.npz", **arrays)
np.savez_compressed(here / "coords.npz", **kept)
lines = ",\n".join(json.dumps(case) for case in cases)
(here / "index.json").write_text(f'{{"what": {json.dumps(index["what"])},\n"versions": {json.dumps(index["versions"])},\n"cases": [\n{lines}\n]}}\n')
