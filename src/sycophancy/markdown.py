# SPDX-License-Identifier: Apache-2.0
"""How reports, cards and pages write numbers and tables: one spelling of each, and one minus sign.

The minus sign is the hyphen-minus, so that a number can be searched for by keyboard and copied into a program. A number
that is not defined (`None`, as a record has it, or NaN) is a dash, `–`, and an interval that is not defined is left out.
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

UNDEFINED = "–"


def is_undefined(value: object) -> bool:
    """Whether a number is not defined: `null` in a record, or NaN before it was written."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def hundredths(share: float | None, signed: bool = False, digits: int = 1) -> str:
    """A share as percent, or a difference of two shares as points, without a unit: `63.4`, `+0.8`, `-57.3`."""
    return UNDEFINED if is_undefined(share) else f"{100 * share:{'+' if signed else ''}.{digits}f}"


def percent(share: float | None, digits: int = 1) -> str:
    """A share with its unit: `63.4 %`."""
    return UNDEFINED if is_undefined(share) else f"{hundredths(share, digits=digits)} %"


def interval(low: float | None, high: float | None, signed: bool = False) -> str:
    """An interval of a share or of a difference, without a unit: `[60.6, 66.1]`; `""` where it is undefined."""
    if is_undefined(low) or is_undefined(high):
        return ""
    return f"[{hundredths(low, signed)}, {hundredths(high, signed)}]"


def with_interval(value: str, low: float | None, high: float | None, signed: bool = False) -> str:
    """A number that is already written, with its interval where there is one: `63.4 % [60.6, 66.1]`."""
    return f"{value} {interval(low, high, signed)}".strip()


def points(found: dict, unit: str = "") -> str:
    """A difference of two shares with its interval, `-57.3 points [-60.1, -54.4]`.

    In points and not in percent: 20 % after 60 % are 40 points less.

    Args:
        found: `value`, `ci_low` and `ci_high`.
        unit: behind the value, such as `" points"`; `""` where a head or caption says it.
    """
    value = hundredths(found["value"], signed=True)
    return with_interval(value if value == UNDEFINED else value + unit, found["ci_low"], found["ci_high"], signed=True)


def rating(value: float | None, low: float | None = None, high: float | None = None, signed: bool = False) -> str:
    """A rating, or a difference of two, in points of its scale, with its interval where there is one: `3.42 [3.10, 3.70]`."""
    if is_undefined(value):
        return UNDEFINED
    sign = "+" if signed else ""
    limits = "" if is_undefined(low) or is_undefined(high) else f" [{low:{sign}.2f}, {high:{sign}.2f}]"
    return f"{value:{sign}.2f}{limits}"


def p_value(p: float | None) -> str:
    """A p-value to four decimals."""
    return UNDEFINED if is_undefined(p) else "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table. Line ends and bars inside a cell are kept from breaking it."""
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(" ".join(str(cell).replace("|", "\\|").split()) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def fill(template: Path, **facts: object) -> str:
    """Fill a template in Jinja's syntax.

    Args:
        template: the file; a line that holds nothing but a `{% %}` leaves no line.
        facts: what it names.

    Raises:
        jinja2.UndefinedError: the template names something that is not there.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(template.read_text(encoding="utf-8")).render(facts)


def fill_card(card: type, data: object, template: Path, **facts: object) -> str:
    """Fill the template of a card by `from_template` of huggingface_hub.

    Args:
        card: `ModelCard` or `DatasetCard`.
        data: its YAML head, `card_data` in the template.
        template: the file.
        facts: what else it names.

    Raises:
        KeyError: the template names a fact that is not there; `from_template` would leave a blank.
    """
    from jinja2 import Environment, meta

    text = template.read_text(encoding="utf-8")
    missing = meta.find_undeclared_variables(Environment().parse(text)) - {"card_data"} - facts.keys()
    if missing:
        raise KeyError(f"{template.name}: {', '.join(sorted(missing))}")
    return str(card.from_template(data, template_str=text, **facts)).rstrip("\n") + "\n"
