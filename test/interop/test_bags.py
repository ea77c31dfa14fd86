"""Clusters and graphs of `hipt bags`, read as the published programs read them, and found again by NumPy."""

import pickle

import h5py
import numpy as np
import pytest
import torch

WIDTH = 24


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """CLAM's layout: pt_files/ and h5_files/, of slides whose patches lie on a grid with gaps."""
    folder = tmp_path_factory.mktemp("cohort")
    (folder / "pt_files").mkdir()
    (folder / "h5_files").mkdir()
    random = np.random.default_rng(5)
    centres = random.normal(size=(10, WIDTH)) * 4
    for i, patches in enumerate((60, 131, 9, 300)):
        features = (centres[random.integers(10, size=patches)] + random.normal(size=(patches, WIDTH))).astype(np.float32)
        cells = np.sort(random.permutation(400)[:patches])
        coords = np.stack([256 * (cells // 20), 256 * (cells % 20)], axis=1)
        torch.save(torch.from_numpy(features), folder / f"pt_files/TCGA-{i}.pt")
        with h5py.File(folder / f"h5_files/TCGA-{i}.h5", "w") as file:
            file["features"] = features
            file["coords"] = coords
    return folder


def bags_of(cohort):
    return {file.stem: torch.load(file, weights_only=True) for file in sorted((cohort / "pt_files").iterdir())}


def test_clusters_as_the_published_loop_reads_them(hipt, cohort):
    assert "written" in hipt("bags", "clusters", cohort, "--cluster_iterations", 200).stderr
    with open(cohort / "fast_cluster_ids.pkl", "rb") as file:
        ids_of_slides = pickle.load(file)
    bags = bags_of(cohort)
    gathered = []
    for slide_id in (f"{name}.svs" for name in bags):  # several slides of one patient, as MCAT joins them
        gathered.extend(ids_of_slides[slide_id[:-4] + ".pt"])
    clusters = torch.Tensor(gathered)
    features = torch.cat(list(bags.values())).double()
    assert clusters.shape == features.shape[:1]

    centres = torch.load(cohort / "cluster_centres.pt", weights_only=True).double()
    assert torch.equal(clusters.long(), torch.cdist(features, centres).argmin(dim=1))
    for cluster in range(10):  # Lloyd's fixed point
        assert torch.allclose(features[clusters == cluster].mean(dim=0), centres[cluster], atol=1e-5)
    assert "already there" in hipt("bags", "clusters", cohort, "--cluster_iterations", 200).stderr
    assert "cluster_seed: 1 there, 2 now" in hipt(
        "bags", "clusters", cohort, "--cluster_iterations", 200, "--cluster_seed", 2, status=2).stderr


def nearest(points, count):
    """Rows by squared distance, of equals the first."""
    points = points.astype(np.float64)
    distances = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1, kind="stable")[:, : min(count, len(points) - 1)]


def test_graphs_load_by_the_lines_of_the_guide(hipt, cohort):
    hipt("bags", "graphs", cohort)
    for name, features in bags_of(cohort).items():
        graph = torch.load(cohort / f"graph_files/{name}.pt", weights_only=True)
        data = {"x": features, **graph}
        with h5py.File(cohort / f"h5_files/{name}.h5") as file:
            coords = file["coords"][:]
        assert torch.equal(data["centroid"], torch.Tensor(coords))
        for edges, points in ((data["edge_index"], coords), (data["edge_latent"], features.numpy())):
            neighbours = nearest(points, 8)
            assert edges.dtype == torch.int64
            assert np.array_equal(edges[0].reshape(neighbours.shape), np.broadcast_to(
                np.arange(len(points))[:, None], neighbours.shape))
            assert np.array_equal(edges[1].reshape(neighbours.shape), neighbours)
    assert "4 already there" in hipt("bags", "graphs", cohort).stderr


def test_damaged_bags_are_told_and_the_others_made(hipt, cohort, tmp_path):
    for name, features in bags_of(cohort).items():
        torch.save(features, tmp_path / f"{name}.pt")
    damaged = (tmp_path / "TCGA-1.pt").read_bytes()
    (tmp_path / "TCGA-1.pt").write_bytes(damaged[: len(damaged) // 2])
    done = hipt("bags", "graphs", tmp_path, status=3)
    assert "failed: TCGA-1: " in done.stderr
    assert "3 slides without coordinates: joined by features alone" in done.stderr
    assert sorted(file.name for file in (tmp_path / "graph_files").iterdir()) == ["TCGA-0.pt", "TCGA-2.pt", "TCGA-3.pt"]
    assert "TCGA-1.pt" in hipt("bags", "clusters", tmp_path, status=1).stderr
