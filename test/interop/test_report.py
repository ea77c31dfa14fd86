"""`hipt tile --report`, opened from disk by a headless Chromium."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

import study

HOSTILE = ("<img src=x onerror=alert(1)>", "50%25 #1? 'x' \"y\" &amp;", "<script>alert(2)<!--")
WIDTH, HEIGHT = 1280, 1100

# Runs in a page of its own beside the report, which it holds in a frame: the report's policy lets no other script in.
PROBE = """<!DOCTYPE html><meta charset="utf-8"><body style="margin:0">
<iframe src="report.html" width="%d" height="%d" style="border:0"></iframe><pre id="result"></pre><script>
const frame = document.querySelector('iframe');
frame.addEventListener('load', async () => {
  const page = frame.contentDocument, frames = () => new Promise(done => setTimeout(done, 50));
  const visible = () => [...page.querySelectorAll('#slides .row')].filter(row => !row.hidden && row.offsetHeight > 0)
    .map(row => row.querySelector('.name').textContent);
  const pictures = [...page.images];
  if (pictures.length < 100) {
    for (const picture of pictures) picture.loading = 'eager';
    await Promise.all(pictures.map(picture => picture.complete ? 0 : new Promise(done => picture.onload = picture.onerror = done)));
    for (const picture of pictures) picture.onload = picture.onerror = null;
  }
  const result = {title: page.title, where: page.getElementById('where').textContent, rows: visible(),
    pictures: pictures.slice(0, 100).map(picture => ({src: picture.getAttribute('src'), alt: picture.alt,
      width: picture.naturalWidth, box: (({x, y, width, height}) => [x, y, width, height])(picture.getBoundingClientRect())})),
    scripts: page.scripts.length,
    handlers: [...page.querySelectorAll('*')].flatMap(e => [...e.attributes]).filter(a => a.name.startsWith('on')).length,
    shown: page.getElementById('shown').textContent,
    overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth};
  const find = page.getElementById('find');
  const search = async words => { find.value = words; find.dispatchEvent(new Event('input')); await frames(); return visible(); };
  const press = async label => { [...page.querySelectorAll('.tools button')].find(b => b.textContent.startsWith(label)).click();
    await frames(); return visible(); };
  const sort = async label => { [...page.querySelectorAll('.head button')].find(b => b.textContent === label).click();
    await frames(); return visible(); };
  result.found = await search('BROKEN');
  result.unfound = await search('');
  result.failed = await press('Failed');
  await press('All');
  result.most_last = await sort('Patches');
  result.most_first = await sort('Patches');
  result.sorted_by = page.querySelector('[aria-sort]').textContent + ' ' + page.querySelector('[aria-sort]').getAttribute('aria-sort');
  document.getElementById('result').textContent = JSON.stringify(result);
});
</script>"""


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """Runs a headless Chromium on a file and gives its standard output."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), None)
    if program is None:
        pytest.skip("no Chromium is installed: tools/setup --browser installs it")

    def run(file, *flags):
        done = subprocess.run(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--allow-file-access-from-files", f"--user-data-dir={tmp_path_factory.mktemp('browser')}",
             f"--window-size={WIDTH},{HEIGHT}", *flags, file.as_uri()], capture_output=True, timeout=240, check=False)
        return done.stdout.decode("utf-8")

    return run


def probe(chromium, folder):
    (folder / "probe.html").write_text(PROBE % (WIDTH, HEIGHT), encoding="utf-8")
    dom = chromium(folder / "probe.html", "--virtual-time-budget=20000", "--dump-dom")
    result = re.search(r'<pre id="result">(.*?)</pre>', dom, re.DOTALL)
    assert result and result[1], f"the page's script did not run to its end:\n{dom[:2000]}"
    return json.loads(html.unescape(result[1]))


@pytest.fixture(scope="module")
def reported(hipt, tmp_path_factory):
    """A study with slides of hostile names, a broken one and one without tissue; its folder's name is odd too."""
    slides = tmp_path_factory.mktemp("slides")
    for number, name in enumerate(HOSTILE):
        study.write_png(slides / f"{name}.png", study.tissue_picture(width=1560 - 200 * number))
    study.write_png(slides / "glass.png", np.full((600, 800, 3), 244, np.uint8))
    (slides / "broken.svs").write_text("no slide", encoding="utf-8")
    folder = tmp_path_factory.mktemp("study") / "study #1 & <b>50%"
    hipt("tile", slides, "--save_dir", folder, "--preset", "bwh_biopsy", "--patch_level", 0, "--report", status=3)
    return folder, sorted(file.name for file in slides.iterdir())


def test_report_in_a_browser(chromium, reported):
    folder, names = reported
    result = probe(chromium, folder)
    assert result["where"] == folder.name and result["title"] == f"{folder.name} - hipt"
    assert sorted(result["rows"]) == names
    assert result["shown"] == "5 of 5 slides shown"
    assert result["scripts"] == 1 and result["handlers"] == 0
    assert result["overflow"] <= 0, "the page is wider than the window"

    # Masks of four slides, stitches of three: every one is loaded, from the right file.
    assert len(result["pictures"]) == 7
    for picture in result["pictures"]:
        assert picture["width"] > 100, picture
        assert any(picture["alt"].endswith(f"of {name}") for name in names)

    assert result["found"] == ["broken.svs"] == result["failed"]
    assert result["unfound"] == result["rows"]
    assert result["most_last"][0] == "broken.svs" and result["most_last"] != result["most_first"]
    assert result["most_first"][-1] == "broken.svs" and result["sorted_by"] == "Patches descending"


def test_screenshot_shows_the_pictures(chromium, reported, tmp_path):
    folder, _ = reported
    first, second = probe(chromium, folder)["pictures"][:2]
    chromium(folder / "report.html", f"--screenshot={tmp_path / 'shot.png'}")
    with Image.open(tmp_path / "shot.png") as shot:
        pixels = np.asarray(shot.convert("RGB")).astype(int)

    def part(picture):
        x, y, width, height = map(round, picture["box"])
        assert (width, height) == (160, 120)
        return pixels[y:y + height, x:x + width]

    mask, stitch = part(first), part(second)
    green = (mask[..., 1] > 200) & (mask[..., 0] < 120) & (mask[..., 2] < 120)
    assert green.sum() > 100, "no outline of tissue in the mask"
    assert (mask.min(axis=-1) > 235).mean() > 0.1, "no glass in the mask"
    assert (stitch.max(axis=-1) < 12).mean() > 0.05, "nothing is black in the stitch"
    assert (stitch[..., 0] - stitch[..., 1] > 30).mean() > 0.2, "no tissue in the stitch"


def test_five_thousand_slides(hipt, chromium, reported, tmp_path):
    """The outcomes of one study many times over; the page stays small, and pictures out of sight are not loaded."""
    folder, names = reported
    big = tmp_path / "big"
    (big / "outcomes").mkdir(parents=True)
    outcomes = [json.loads(file.read_text(encoding="utf-8")) for file in sorted((folder / "outcomes").glob("*.json"))]
    for number in range(5000):
        record = {**outcomes[number % len(outcomes)], "slide_id": f"slide_{number:04}.svs"}
        (big / f"outcomes/slide_{number:04}.json").write_text(json.dumps(record), encoding="utf-8")
    study.write_png(tmp_path / "one.png", study.tissue_picture())
    hipt("tile", tmp_path / "one.png", "--save_dir", big, "--preset", "bwh_biopsy", "--patch_level", 0, "--report")
    assert (big / "report.html").stat().st_size < 8_000_000
    result = probe(chromium, big)
    assert len(result["rows"]) == 5001
    assert result["shown"] == "5,001 of 5,001 slides shown"
    assert len(result["failed"]) == 1000
