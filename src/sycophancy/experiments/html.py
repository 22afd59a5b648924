# SPDX-License-Identifier: Apache-2.0
"""The page of an experiment as one HTML file that asks for nothing else, made from its Markdown and its pictures.

The Markdown holds every number; this adds the looks (`page.html`, `page.css`) and puts the pictures inside.
"""

import html
import re
from pathlib import Path

from sycophancy.files import write_text

MARKDOWN, HTML, PICTURES = "experiment.md", "experiment.html", "pictures"


def write_html(folder: Path) -> Path:
    """Write `experiment.html` from `experiment.md` and `pictures/` of the same folder, and return its path.

    Raises:
        ValueError: there is no page in the folder, or a picture of it is missing.
    """
    source = folder / MARKDOWN
    if not source.is_file():
        raise ValueError(f"expected the page of an experiment in {folder}, got no {MARKDOWN}; run the experiment first")
    write_text(folder / HTML, to_html(source.read_text(encoding="utf-8"), folder))
    return folder / HTML


def to_html(text: str, folder: Path) -> str:
    """A page as HTML.

    Args:
        text: the page in Markdown. HTML in it stays text: labels and reasons come from files of the user.
        folder: where the pictures' paths start.
    """
    from jinja2 import Template
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    parser.add_render_rule("image", _picture)
    tokens = _shaped(parser.parse(text))
    body = parser.renderer.render(tokens, parser.options, {"folder": folder})
    here = Path(__file__).parent
    shell = (here / "page.html").read_text(encoding="utf-8")
    page = Template(shell, autoescape=True, keep_trailing_newline=True)
    return page.render(title=tokens[1].content, style=(here / "page.css").read_text(encoding="utf-8"), body=body)


def _shaped(tokens: list) -> list:
    """Mark headlines, names of rows, and pictures with their captions, which Markdown cannot."""
    shaped = []
    for number, token in enumerate(tokens):
        shaped.append(token)
        if token.type == "inline":
            _keep_together(token.children)
        elif token.type == "th_open":
            token.attrSet("scope", "col")
        elif token.type == "td_open" and tokens[number - 1].type == "tr_open":
            token.attrSet("scope", "row")
            token.tag = tokens[number + 2].tag = "th"
        elif token.type == "paragraph_open":
            inline, close = tokens[number + 1 : number + 3]
            within = _without(inline, "strong")
            if within:
                token.attrSet("class", "lead")
                inline.children = within
            elif [child.type for child in inline.children] == ["image"] and (caption := _caption(tokens, number)):
                token.tag, close.hidden = "figure", True
                opening, words, end = tokens[number + 3 : number + 6]
                opening.tag = end.tag = "figcaption"
                words.children, end.meta["ends"] = caption, "figure"
        elif token.type == "paragraph_close" and token.meta.get("ends"):
            shaped.append(type(token)("figure_close", "figure", -1, block=True))
    return shaped


def _caption(tokens: list, number: int) -> list:
    """What the paragraph after the one at `number` says, where it is set in italics as a caption is."""
    following = tokens[number + 3 : number + 6]
    return _without(following[1], "em") if following and following[0].type == "paragraph_open" else []


def _without(inline, mark: str) -> list:
    """What stands inside the one mark that holds a whole paragraph; nothing where there is no such mark."""
    children = [child for child in inline.children if child.type != "text" or child.content]
    types = [child.type for child in children]
    whole = types[0] == f"{mark}_open" and types.index(f"{mark}_close") == len(types) - 1
    return children[1:-1] if whole else []


def _keep_together(children: list) -> None:
    """No line ends between the ends of an interval, before a percent sign or after a p."""
    for child in children:
        if child.type == "text":
            child.content = re.sub(r"(\[[-+.\d]+,|\bp|\d(?= %)) (?=[-+.<%\d])", "\\1\u00a0", child.content)


def _picture(self, tokens: list, index: int, options: object, env: dict) -> str:
    """The picture itself in place of a link to it; what it shows is its label."""
    token = tokens[index]
    path = env["folder"] / token.attrs["src"]
    if not path.is_file():
        raise ValueError(f"expected the page's picture {path}, got no such file; write the page again")
    svg = path.read_text(encoding="utf-8")
    label = html.escape(self.renderInlineAsText(token.children, options, env), quote=True)
    return svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{label}"', 1).strip()
