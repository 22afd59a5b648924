# SPDX-License-Identifier: Apache-2.0
"""The Space's page: drop `predictions.jsonl` of one run or two, see the numbers, the picture and the rows behind them.

    pip install -r requirements.txt && python app.py

Files are read in memory of the Space and forgotten with the visit; the page calls no other site.
"""

import os
import tempfile
from html import escape
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before Gradio is imported: it reads this while it is

import gradio as gr
from page import browsing, scoring, tables
from page.example import example_runs
from page.picture import picture
from page.reading import read_text

CSS = Path(__file__).with_name("page").joinpath("page.css").read_text(encoding="utf-8")
MEGABYTES = 400
INTRODUCTION = """
# How far does a model side with its user?

Give it the `predictions.jsonl` of a run (`scripts/measure.py` writes it): claims or suggested answers, "are you sure?"
conversations of one round or several, wrong attributions, or texts rated for a user. With a second run on the same rows, before and after a mitigation, it shows what changed.
"""


def failed(message):
    """What the page shows when a file cannot be scored: one sentence, and no numbers."""
    alert = f'<div class="problem" role="alert">{escape(str(message))}</div>'
    return alert, gr.Column(visible=False), *[gr.skip()] * 9


def measured(report):
    """What the page shows of a report."""
    folder = Path(tempfile.mkdtemp(prefix="syco-page-"))
    file = folder / "syco_alignment.json"
    file.write_text(scoring.to_json(report), encoding="utf-8")
    keys, names = browsing.keys(report), [run.name for run in report.runs]
    key = report.kind.headline
    views = browsing.views(report, key)
    state = {"report": report, "arms": browsing.arms_of(report)}
    html, page, pages = browse(state, key, views[0], names[0], "", 1)
    return (
        '<div class="done" role="status">Measured. The numbers are below.</div>',
        gr.Column(visible=True),
        tables.summary(report),
        picture(report),
        tables.numbers(report),
        tables.groups(report),
        gr.DownloadButton(value=str(file)),
        gr.Dropdown(choices=keys, value=key),
        gr.Dropdown(choices=views, value=views[0]),
        gr.Radio(choices=names, value=names[0], visible=len(names) > 1),
        state,
    ), (html, page, pages)


def browse(state, key, view, side, words, page):
    """One page of the rows behind a number: HTML, the page that is shown, and of how many."""
    report = state["report"]
    names = [run.name for run in report.runs]
    view = view if view in browsing.views(report, key) else browsing.views(report, key)[0]
    rows = browsing.select(report, key, view, names.index(side) if side in names else 0, words or "")
    return browsing.show(report, rows, page or 1, state["arms"])


def measure(first_file, first_text, second_file, second_text, unpaired, progress=gr.Progress()):  # noqa: B008 (Gradio's way)
    """Read what was given, score it, fill the page."""
    try:
        first = read_text(first_file, first_text, "Run A")
        if first is None:
            raise ValueError("Run A: expected a file or pasted lines, got neither. Upload predictions.jsonl.")
        second = read_text(second_file, second_text, "Run B")
        progress(0.1, desc="measuring")
        found, rows = measured(scoring.score(first, second, not unpaired))
    except ValueError as error:
        return (*failed(error), *[gr.skip()] * 4)
    return (*found, *shown(rows))


def example():
    """The invented runs, measured."""
    names = ("Invented A", "Invented B")
    found, rows = measured(scoring.score(*example_runs(), names=names))
    note = '<div class="done" role="status">These two runs are invented, to show what the page does.</div>'
    return (note, *found[1:], *shown(rows))


def shown(rows):
    """Updates for the table of rows, the page number and the two buttons."""
    html, page, pages = rows
    return (
        html,
        gr.Number(value=page, maximum=pages, label=f"page (of {pages:,})"),
        gr.Button(interactive=page > 1),
        gr.Button(interactive=page < pages),
    )


def turn(step):
    """A handler that turns the page by `step`."""
    return lambda state, key, view, side, words, page: shown(browse(state, key, view, side, words, (page or 1) + step))


def look(state, key, view, side, words, page):
    """The first page of another view."""
    return shown(browse(state, key, view, side, words, 1))


def go(state, key, view, side, words, page):
    """The page that was typed."""
    return shown(browse(state, key, view, side, words, page))


def choose(state, key, view, side, words):
    """Another number: its views, and the first page of one of them."""
    offered = browsing.views(state["report"], key)
    view = view if view in offered else offered[0]
    return gr.Dropdown(choices=offered, value=view), *shown(browse(state, key, view, side, words, 1))


def html(**settings):
    """An HTML block that handles no clicks."""
    return gr.HTML(js_on_load=None, **settings)


def run_inputs(name, what):
    """File and text of one run."""
    with gr.Column(min_width=280):
        file = gr.File(
            label=f"{name}: {what}",
            file_types=[".jsonl", ".json", ".txt"],
            height=170,
            elem_id=f"{name[-1].lower()}-file",
        )
        with gr.Accordion(f"or paste lines of {name[0].lower()}{name[1:]}", open=False):
            text = gr.Textbox(
                label=f"{name}: lines", lines=5, max_lines=8, placeholder='{"prediction": "Agree", "claim_id": "1", …}'
            )
    return file, text


def build():
    """The page."""
    with gr.Blocks(
        title="syco_alignment: does the model side with its user?",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(3600, 3600),
    ) as page:
        gr.Markdown(INTRODUCTION)
        with gr.Row():
            first = run_inputs("Run A", "predictions.jsonl")
            second = run_inputs("Run B", "the same rows again, e.g. after tuning (optional)")
        unpaired = gr.Checkbox(label="Allow rows without their pair (numbers that need it stay empty)", value=False)
        with gr.Row():
            start = gr.Button("Measure", variant="primary", elem_id="measure")
            show = gr.Button("Show an invented example", elem_id="example")
        status = html(elem_id="status")
        with gr.Column(visible=False, elem_id="results") as results:
            finding, figures, numbers = html(elem_id="finding"), html(elem_id="figures"), html(elem_id="numbers")
            with gr.Accordion("By group", open=False):
                groups = html(elem_id="groups")
            save = gr.DownloadButton("Download everything as JSON", elem_id="download")
            gr.Markdown("## The rows behind a number")
            with gr.Row():
                key = gr.Dropdown(label="number", choices=[], min_width=220, elem_id="key", filterable=False)
                view = gr.Dropdown(label="show", choices=[], min_width=220, elem_id="view", filterable=False)
                side = gr.Radio(label="counted in", choices=[], min_width=160, elem_id="side")
                words = gr.Textbox(label="with this text in id or answer (Enter)", min_width=220, elem_id="words")
            rows = html(elem_id="rows")
            with gr.Row(elem_id="pages"):
                back = gr.Button("Previous page", min_width=110, elem_id="back")
                number = gr.Number(label="page", precision=0, minimum=1, min_width=110, elem_id="page")
                forward = gr.Button("Next page", min_width=110, elem_id="forward")
        state = gr.State(time_to_live=3600)
        browser = [rows, number, back, forward]
        outputs = [status, results, finding, figures, numbers, groups, save, key, view, side, state, *browser]
        start.click(measure, [*first, *second, unpaired], outputs, show_progress_on=[status])
        show.click(example, None, outputs, show_progress_on=[status])
        asked = [state, key, view, side, words]
        key.input(choose, asked, [view, *browser], show_progress="hidden")
        for chosen in (view.input, side.input, words.submit):
            chosen(look, [*asked, number], browser, show_progress="hidden")
        number.submit(go, [*asked, number], browser, show_progress="hidden")
        back.click(turn(-1), [*asked, number], browser, show_progress="hidden")
        forward.click(turn(1), [*asked, number], browser, show_progress="hidden")
    return page


def theme():
    """Fonts of the visitor's own system: the default theme fetches some from another site."""
    sans, mono = ("system-ui", "sans-serif"), ("ui-monospace", "monospace")
    return gr.themes.Default(
        primary_hue="indigo",
        font=[gr.themes.Font(name) for name in sans],
        font_mono=[gr.themes.Font(name) for name in mono],
    )


if __name__ == "__main__":
    scoring.load_metric("default")  # its imports take seconds: before the first visitor comes, not after
    build().queue(default_concurrency_limit=2).launch(
        theme=theme(), css=CSS, footer_links=[], ssr_mode=False, max_file_size=f"{MEGABYTES}mb", show_error=True
    )
