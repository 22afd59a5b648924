# SPDX-License-Identifier: Apache-2.0
import html
import re

import pytest
from commands import ROOT, assert_refused, attempt, here

from sycophancy.experiments.html import to_html, write_html

SVG = '<?xml version="1.0"?>\n<svg width="3"><g/></svg>\n'
PAGE = """# A & B

**Less, by −5.**

See `x < y` and [the record](cells/a/run.json): **here** and **there**.

- one
- two

Counts.

|  | n |
|---|---|
| a\\|b | 63.4 [-1.0, +2.0] p 0.0005 |

![Some “bars”, `n` = 1.](pictures/bars.svg)

*Some “bars”, `n` = 1.*
"""
COPIES = sorted(path.parent for path in (ROOT / "docs" / "results" / "experiments").glob("*/experiment.md"))
NUMBER = re.compile(r"[-+]?\d[\d.,]*")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "bars.svg").write_text(SVG)
    (tmp_path / "experiment.md").write_text(PAGE, encoding="utf-8")
    return tmp_path


def test_each_part_of_the_page(folder):
    page = write_html(folder).read_text(encoding="utf-8")
    body = page[page.index("<main>\n") + len("<main>\n") : page.index("</main>")]
    assert body == (
        "<h1>A &amp; B</h1>\n"
        '<p class="lead">Less, by −5.</p>\n'
        '<p>See <code>x &lt; y</code> and <a href="cells/a/run.json">the record</a>: <strong>here</strong> and '
        "<strong>there</strong>.</p>\n"
        "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"
        "<p>Counts.</p>\n"
        '<div class="scroll"><table>\n<thead>\n<tr>\n<th scope="col"></th>\n<th scope="col">n</th>\n</tr>\n</thead>\n'
        '<tbody>\n<tr>\n<th scope="row">a|b</th>\n<td>63.4 [-1.0,\u00a0+2.0] p\u00a00.0005</td>\n</tr>\n</tbody>\n'
        "</table></div>\n"
        '<figure><svg role="img" aria-label="Some “bars”, n = 1." width="3"><g/></svg>'
        "\n<figcaption>Some “bars”, <code>n</code> = 1.</figcaption>\n</figure>\n"
    )
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>A &amp; B</title>" in page
    assert "tbody th { font-weight: 600;" in page


def test_what_comes_from_records_stays_text(tmp_path):
    page = to_html("# <script>alert(1)</script>\n\n<b>a*b*c [-1.0, +2.0]\n", tmp_path)
    assert "<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>" in page
    assert "<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>\n<p>&lt;b&gt;a" in page
    assert "<script>" not in page


def test_a_folder_without_a_page_or_a_picture_is_refused(folder, tmp_path):
    assert_refused(attempt("scripts/experiment.py", "--render", tmp_path / "none"), "got no experiment.md; run the")
    (folder / "pictures" / "bars.svg").unlink()
    with pytest.raises(ValueError, match=r"expected the page's picture .*bars\.svg, got no such file"):
        write_html(folder)
    assert not (folder / "experiment.html").exists()


def numbers_of(text: str) -> list[str]:
    """Every number of a text, in order."""
    return [found.rstrip(".,") for found in NUMBER.findall(text)]


@pytest.mark.parametrize("copy", COPIES, ids=lambda path: path.name)
def test_a_copied_page_says_the_same_numbers_in_html(copy):
    """Number by number, in order, and each picture is in it."""
    text = (copy / "experiment.md").read_text(encoding="utf-8")
    page = to_html(text, copy)
    body = re.sub(r"<svg.*?</svg>", "", page[page.index("<main>") :], flags=re.DOTALL)
    shown = html.unescape(re.sub(r"<[^>]+>", " ", body))
    # A picture's words stand twice in Markdown, as what it shows and under it; a link's target is no text.
    written = re.sub(r"!\[.*?\]\(pictures/[^)]+\)|\]\([^)]+\)", " ", text)
    assert numbers_of(shown) == numbers_of(written)
    assert len(numbers_of(shown)) > 500
    assert page.count("<svg role=") == text.count("](pictures/") == len(list((copy / "pictures").iterdir()))


def test_the_command_that_the_docs_name(folder):
    assert "--render docs/results/experiments/reviews" in (ROOT / "docs" / "experiments.md").read_text()
    done = here("scripts/experiment.py", "--render", folder)
    assert done.stdout == f"wrote {folder / 'experiment.html'}\n"
    assert_refused(attempt("scripts/experiment.py"), "one of the arguments --config --render is required")
