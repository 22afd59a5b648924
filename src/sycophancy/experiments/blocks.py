# SPDX-License-Identifier: Apache-2.0
"""What a page is made of (headings, paragraphs, tables, pictures), written once and rendered as Markdown and as HTML.

Text may hold `code`, **bold** and [links](target), and nothing else of Markdown.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the page's title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph; `lead` sets the page's headline apart."""

    text: str
    lead: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list of short texts."""

    items: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A table; the first column holds names, the others numbers or short words."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture as SVG; `name` is that of its file without suffix, the caption says what is seen."""

    name: str
    svg: str
    caption: str


STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; color: #1b1b1b; background: #fff;
  margin: 0 auto; padding: 1.5rem; max-width: 72rem; }
p, ul { max-width: 50rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .5rem 0 1rem; }
h2 { font-size: 1.3rem; margin: 2.2rem 0 .6rem; padding-top: .4rem; border-top: 2px solid #1b1b1b; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
p.lead { font-size: 1.15rem; border-left: 4px solid #0072b2; padding-left: .9rem; }
code { font: .92em ui-monospace, "DejaVu Sans Mono", monospace; }
div.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .84rem; line-height: 1.35; margin: .5rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0 0 .4rem; color: #444; max-width: 60rem; }
th, td { padding: .3rem .6rem; vertical-align: top; text-align: left; border-bottom: 1px solid #d8d8d8; }
thead th { border-bottom: 2px solid #1b1b1b; vertical-align: bottom; }
tbody th { font-weight: 600; min-width: 8.5em; }
figure { margin: 1rem 0; }
figure svg { max-width: 100%; height: auto; }
figcaption { font-size: .84rem; color: #444; max-width: 60rem; }
a { color: #00507d; }
@page { size: A4 landscape; margin: 12mm; }
@media print {
  body { font-size: 10pt; padding: 0; max-width: none; }
  div.scroll { overflow: visible; }
  table { font-size: 7.6pt; }
  th, td { padding: .15rem .4rem; }
  h2 { break-after: avoid; } h3 { break-after: avoid; }
  figure, tr, p.lead { break-inside: avoid; }
  figure svg { max-height: 105mm; width: auto; }
  h2, p.lead { font-size: 12pt; } h1 { font-size: 15pt; } p, ul { max-width: none; }
  thead { display: table-header-group; }
  a { color: inherit; text-decoration: none; }
}
"""

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
$body
</main>
</body>
</html>
""")


def to_markdown(blocks: Sequence) -> str:
    """The page as Markdown; pictures are files `pictures/NAME.svg` beside it."""
    parts = []
    for block in blocks:
        match block:
            case Heading():
                parts.append(f"{'#' * block.level} {block.text}")
            case Text():
                parts.append(f"**{block.text}**" if block.lead else block.text)
            case Bullets():
                parts.append("\n".join(f"- {item}" for item in block.items))
            case Table():
                lines = [f"| {' | '.join(block.head)} |", f"|{'---|' * len(block.head)}"]
                lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in block.rows]
                parts += [block.caption] if block.caption else []
                parts.append("\n".join(lines))
            case Picture():
                parts += [f"![{block.caption}](pictures/{block.name}.svg)", f"*{block.caption}*"]
    return "\n\n".join(parts) + "\n"


def to_html(blocks: Sequence) -> str:
    """The page as one HTML file that asks for nothing else."""
    parts = []
    for block in blocks:
        match block:
            case Heading():
                parts.append(f"<h{block.level}>{inline(block.text)}</h{block.level}>")
            case Text():
                parts.append(
                    f'<p class="lead">{inline(block.text)}</p>' if block.lead else f"<p>{inline(block.text)}</p>"
                )
            case Bullets():
                parts.append("<ul>" + "".join(f"<li>{inline(item)}</li>" for item in block.items) + "</ul>")
            case Table():
                caption = f"<caption>{inline(block.caption)}</caption>" if block.caption else ""
                head = "".join(f'<th scope="col">{inline(cell)}</th>' for cell in block.head)
                rows = "".join(
                    f'<tr><th scope="row">{inline(row[0])}</th>'
                    + "".join(f"<td>{inline(cell)}</td>" for cell in row[1:])
                    + "</tr>"
                    for row in block.rows
                )
                parts.append(
                    f'<div class="scroll"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
                )
            case Picture():
                alt = html.escape(re.sub(r"[`*]", "", block.caption), quote=True)
                svg = block.svg[block.svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{alt}"', 1)
                parts.append(f"<figure>{svg}<figcaption>{inline(block.caption)}</figcaption></figure>")
    title = next(block.text for block in blocks if isinstance(block, Heading))
    return PAGE.substitute(title=html.escape(title), style=STYLE, body="\n".join(parts))


def inline(text: str) -> str:
    """Escape a text and turn `code`, **bold** and [links](target) into HTML."""
    text = html.escape(text, quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"\[([^\]]+)\]\(([^)\"]+)\)", r'<a href="\2">\1</a>', text)
