# SPDX-License-Identifier: Apache-2.0
from sycophancy.experiments.blocks import Bullets, Heading, Picture, Table, Text, inline, to_html, to_markdown

SVG = '<?xml version="1.0"?>\n<svg width="3"><g/></svg>'
BLOCKS = [
    Heading("A & B", 1),
    Text("Less.", lead=True),
    Text("See `x < y` and [the record](cells/a/run.json)."),
    Bullets(["one", "two"]),
    Table(["", "n"], [["a|b", "1"]], "Counts."),
    Picture("bars", SVG, "Some “bars”, `n` = 1."),
]


def test_markdown():
    assert to_markdown(BLOCKS) == (
        "# A & B\n\n**Less.**\n\nSee `x < y` and [the record](cells/a/run.json).\n\n- one\n- two\n\nCounts.\n\n"
        "|  | n |\n|---|---|\n| a\\|b | 1 |\n\n"
        "![Some “bars”, `n` = 1.](pictures/bars.svg)\n\n*Some “bars”, `n` = 1.*\n"
    )


def test_html():
    page = to_html(BLOCKS)
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>A &amp; B</title>" in page
    for part in (
        "<h1>A &amp; B</h1>",
        '<p class="lead">Less.</p>',
        '<p>See <code>x &lt; y</code> and <a href="cells/a/run.json">the record</a>.</p>',
        "<ul><li>one</li><li>two</li></ul>",
        "<caption>Counts.</caption>",
        '<tr><th scope="row">a|b</th><td>1</td></tr>',
        '<figure><svg role="img" aria-label="Some “bars”, n = 1." width="3"><g/></svg><figcaption>',
    ):
        assert part in page
    assert "<?xml" not in page


def test_what_comes_from_records_stays_text():
    assert inline("<script>alert(1)</script> [-1.0, +2.0] a*b*c") == (
        "&lt;script&gt;alert(1)&lt;/script&gt; [-1.0, +2.0] a*b*c"
    )
