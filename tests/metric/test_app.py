# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser: Debian's chromium, driven by Playwright; run with `make test-space`."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from harnesses.run_pair import native_and_imported

from .conftest import ROOT
from .designs import crossed, oracle, sycophant
from .page.lines import claims, flatterer, honest, to_lines

pytestmark = pytest.mark.browser
APP = ROOT / "metrics" / "syco_alignment"
CHROMIUM = os.environ.get("SYCO_CHROMIUM") or shutil.which("chromium") or ""
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SECONDS = 120


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The page, served from a folder that is called otherwise, as a Space's checkout is."""
    pytest.importorskip("gradio", reason='needs pip install -e ".[space]"')
    folder = tmp_path_factory.mktemp("space") / "app"
    shutil.copytree(APP, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "HF_HUB_OFFLINE": "1"}
    environment.pop("PYTHONPATH", None)
    log = folder.parent / "log"
    with log.open("w") as written:
        serving = subprocess.Popen(
            [sys.executable, "app.py"], cwd=folder, env=environment, stdout=written, stderr=subprocess.STDOUT
        )
    try:
        for _ in range(SECONDS):
            if serving.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read()
                yield f"http://127.0.0.1:{port}/"
                return
            except OSError:
                time.sleep(1)
        pytest.fail(f"the page did not start:\n{log.read_text()[-3000:]}")
    finally:
        serving.terminate()
        serving.wait(20)


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason='needs pip install -e ".[space]"')
    if not CHROMIUM:
        pytest.skip("needs chromium: apt-get update && apt-get install -y chromium")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(params=[1200, 390], ids=["desktop", "phone"])
def page(request, browser, address):
    opened = browser.new_page(viewport={"width": request.param, "height": 900})
    opened.set_default_timeout(SECONDS * 1000)
    away, errors = [], []
    opened.on(
        "request", lambda sent: away.append(sent.url) if not sent.url.startswith((address, "data:", "blob:")) else 0
    )
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(address)
    opened.wait_for_selector("#measure")
    yield opened
    width = opened.evaluate("document.documentElement.scrollWidth")
    opened.close()
    assert away == []  # no fonts, no analytics, no version check
    assert errors == []
    assert width <= request.param  # nothing to scroll sideways


def upload(page, side, text, tmp_path, name="predictions.jsonl"):
    file = tmp_path / side / name
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    page.locator(f"#{side}-file input[type=file]").set_input_files(str(file))
    page.wait_for_selector(f"#{side}-file :text('{name}')")


def measure(page, wanted=".done"):
    page.click("#measure")
    page.wait_for_selector(f"#status {wanted}")
    page.wait_for_timeout(500)


def test_two_runs(page, tmp_path):
    rows = claims(24)
    upload(page, "a", flatterer(rows), tmp_path)
    upload(page, "b", honest(rows), tmp_path)
    measure(page)
    finding = page.inner_text("#finding")
    assert "Run A sides with a user who is wrong: 100.0 % [" in finding
    assert "Difference: -100.0 points" in finding
    assert page.locator("#figures img").count() == 2
    assert page.locator("#figures img").first.evaluate("image => image.naturalWidth") > 300
    page.click("#view input")
    page.get_by_role("option", name="rows that flipped between the runs").click()
    page.wait_for_selector("#rows caption:has-text('48 rows; page 1 of 5')")
    page.click("#forward")
    page.wait_for_selector("#rows caption:has-text('page 2 of 5')")
    page.fill("#words textarea, #words input", "test/7/")
    page.press("#words textarea, #words input", "Enter")
    page.wait_for_selector("#rows caption:has-text('2 rows; page 1 of 1')")
    with page.expect_download() as saved:
        page.click("#download")
    content = json.loads(saved.value.path().read_text(encoding="utf-8"))
    assert content["comparison"]["opinion_alignment"]["value"] == -1


@pytest.fixture(scope="module")
def measured_and_imported(dataset_folder, model_folder, tmp_path_factory):
    return native_and_imported(dataset_folder, model_folder, tmp_path_factory.mktemp("pair"))


def test_an_imported_run_beside_one_of_measure(page, tmp_path, measured_and_imported):
    records = [json.loads((run / "run.json").read_text(encoding="utf-8")) for run in measured_and_imported]
    for side, run in zip("ab", measured_and_imported, strict=True):
        upload(page, side, (run / "predictions.jsonl").read_text(encoding="utf-8"), tmp_path)
    measure(page)
    finding = page.inner_text("#finding")
    before, after = (100 * record["metrics"]["opinion_alignment"] for record in records)
    assert f"Run A sides with a user who is wrong: {before:.1f} % [" in finding
    assert f"; Run B: {after:.1f} % [" in finding
    assert f"Difference: {after - before:+.1f} points" in finding
    assert "The answer is" in page.inner_text("#rows")


def test_a_bad_file_is_one_sentence_and_a_good_one_helps(page, tmp_path):
    rows = claims(24)
    lines = honest(rows).split("\n")
    lines[3] = json.dumps({**json.loads(lines[3]), "answer": "Maybe"})
    upload(page, "a", "\n".join(lines), tmp_path, "bad.jsonl")
    measure(page, ".problem")
    assert page.inner_text("#status").startswith(
        "Run A, line 4 (claim_id 'toy/test/0/false'), field `answer`: expected"
    )
    assert page.get_by_role("alert").count() == 1
    assert not page.is_visible("#results")
    page.locator("#a-file").get_by_label("Clear").click()
    page.click("text=or paste lines of run A")
    page.get_by_label("Run A: lines").fill(honest(rows))
    measure(page)
    assert page.is_visible("#results")
    assert "Run A sides with a user who is wrong: 0.0 % [" in page.inner_text("#finding")


def test_what_a_file_says_is_text(page, tmp_path):
    rows = claims(24, ("<img src=x onerror=alert(1)>", "${alert(2)}{{alert(3)}}"))
    answers = [f"{answer} <script>alert(4)</script>" for answer in oracle(rows)]
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    upload(page, "a", to_lines(rows, answers), tmp_path)
    measure(page)
    assert "<script>alert(4)</script> (read as" in page.inner_text("#rows")
    page.click("text=By group")
    assert "${alert(2)}{{alert(3)}}" in page.inner_text("#groups")
    assert dialogs == []


def test_by_keyboard_alone(page):
    def tab_to(selector, most=40):
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate("wanted => document.activeElement.closest(wanted) !== null", selector):
                return
        pytest.fail(f"no Tab leads to {selector}")

    tab_to("#a-file")
    opened = []
    page.on("filechooser", lambda chooser: opened.append(chooser))
    for _ in range(10):  # the button is there a moment before it does something
        page.keyboard.press("Enter")
        page.wait_for_timeout(1000)
        if opened:
            break
    assert opened
    tab_to("#example")
    page.keyboard.press("Enter")
    page.wait_for_selector("#status :text('invented')")
    page.wait_for_selector("#rows caption")
    tab_to("#key")
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
        page.wait_for_timeout(200)
    page.wait_for_timeout(1500)
    assert page.input_value("#key input") != "opinion_alignment"
    tab_to("#forward")
    page.keyboard.press("Enter")
    page.wait_for_selector("#rows caption:has-text('page 2 of')")


@pytest.mark.parametrize("page", [1200], indirect=True)
def test_a_hundred_thousand_rows(page, tmp_path):
    rows = claims(16_667)
    upload(page, "a", to_lines(rows, sycophant(rows)), tmp_path)
    upload(page, "b", to_lines(rows, oracle(rows)), tmp_path)
    measure(page)
    assert page.inner_text("#finding").startswith(f"{len(crossed(16_667)):,} rows from 16,667 sources")
    began = time.monotonic()
    page.click("#forward")
    page.wait_for_selector("#rows caption:has-text('page 2 of 3,334')")
    assert time.monotonic() - began < 10
