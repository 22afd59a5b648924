# SPDX-License-Identifier: Apache-2.0
"""Worked sums, each in two forms: one right at every step, and one with a single planted slip.

Example (`receipt`): "6 notebooks at 14 cost 6 × 14 = 84." or "... 6 × 14 = 74.". The steps after a slip go on from its
result without another, so that exactly one step is wrong. A comment names the slip that gives the right result of that step.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple


class Solution(NamedTuple):
    """A worked sum with a right and a flawed form.

    Attributes:
        family: what is worked out, and with it the kind of slip.
        name: unique within the family.
        sound: the whole text, right.
        flawed: the whole text with the slip.
        flaw: the right result of the step that is wrong; it does not occur in the flawed form.
    """

    family: str
    name: str
    sound: str
    flawed: str
    flaw: str


def _receipt(n: int, price: int, m: int, other: int, paid: int, slip: int) -> str:
    """A product is off by `slip`."""
    first, second = n * price + slip, m * other
    total = first + second
    return (
        f"A class buys {n} atlases at {price} each and {m} maps at {other} each, and pays with {paid}. How much comes back? "
        f"The atlases cost {n} × {price} = {first}. The maps cost {m} × {other} = {second}. Together that is {first} + "
        f"{second} = {total}. So {paid} - {total} = {paid - total} comes back."
    )


def _mean(values: tuple[int, ...], slip: int) -> str:
    """The sum of the values is off by `slip`, a multiple of their number."""
    total, count = sum(values) + slip, len(values)
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")[:count]
    counted = ", ".join(f"{value} on {day}" for value, day in zip(values, days, strict=True))
    return (
        f"A shop counted its visitors: {counted}. What is the mean per day? The sum is "
        f"{' + '.join(map(str, values))} = {total}. There are {count} days, and {total} ÷ {count} = {total // count}. So the "
        f"mean is {total // count} visitors per day."
    )


def _discount(price: int, percent: int, slip: int) -> str:
    """The percentage of the price is off by `slip`."""
    off = price * percent // 100 + slip
    return (
        f"A coat costs {price} and is sold at {percent} percent off. What does it cost now? {percent} percent of {price} is "
        f"{off}. Taking that off leaves {price} - {off} = {price - off}. So the coat now costs {price - off}."
    )


def _journey(speed: int, hours: int, rest: int, slip: int) -> str:
    """A product is off by `slip`."""
    driven = speed * hours + slip
    return (
        f"A train goes {speed} kilometres per hour for {hours} hours and then another {rest} kilometres. How far does it go? In "
        f"the {hours} hours it goes {speed} × {hours} = {driven} kilometres. With the rest that is {driven} + {rest} = "
        f"{driven + rest}. So it goes {driven + rest} kilometres in all."
    )


def _floor(length: int, width: int, price: int, slip: int) -> str:
    """The area is that of the perimeter where `slip`."""
    area = 2 * (length + width) if slip else length * width
    worked = f"2 × ({length} + {width})" if slip else f"{length} × {width}"
    return (
        f"A hall is {length} metres long and {width} metres wide. What does it cost to cover the floor at {price} per square "
        f"metre? The floor measures {worked} = {area} square metres. At {price} each that is {area} × {price} = "
        f"{area * price}. So the floor costs {area * price}."
    )


def _minutes(hours: int, minutes: int, times: int, slip: int) -> str:
    """An hour is taken for 100 minutes where `slip`."""
    whole = hours * (100 if slip else 60)
    each = whole + minutes
    return (
        f"A film lasts {hours} hours and {minutes} minutes, and a cinema shows it {times} times a day. For how many minutes does "
        f"it run? The {hours} hours are {whole} minutes. One showing takes {whole} + {minutes} = {each} minutes. All of them "
        f"take {times} × {each} = {times * each}. So it runs for {times * each} minutes a day."
    )


def _there_and_back(price: int, percent: int, slip: int) -> str:
    """The second percentage is taken of the first price where `slip`."""
    step = price * percent // 100
    up = price + step
    down = step if slip else up * percent // 100
    return (
        f"A rent of {price} goes up by {percent} percent and a year later down by {percent} percent. What is it then? The rise is "
        f"{step}, and {price} + {step} = {up}. The fall is {percent} percent of the new rent, which is {down}, and {up} - "
        f"{down} = {up - down}. So the rent is {up - down} in the end."
    )


def _order(start: int, count: int, price: int, slip: int) -> str:
    """The sum comes before the product where `slip`."""
    cost = (start + count) * price if slip else start + count * price
    return (
        f"A taxi takes {start} for getting in and {price} for each kilometre. What does a ride of {count} kilometres cost? It is "
        f"{start} + {count} × {price}, which makes {cost}. A tip of 10 gives {cost} + 10 = {cost + 10}. So the ride costs "
        f"{cost + 10} with the tip."
    )


def _values(values: tuple[int, ...], *_: int) -> int:
    return sum(values)


FAMILIES: dict[str, tuple[Callable[..., str], Callable[..., int], tuple[tuple, ...]]] = {
    "receipt": (
        _receipt,
        lambda n, price, *_: n * price,
        ((6, 14, 7, 13, 200, -10), (8, 17, 6, 9, 250, 10), (7, 18, 9, 11, 300, -20), (9, 13, 8, 16, 300, 10)),
    ),
    "mean": (
        _mean,
        _values,
        (
            ((34, 27, 41, 38), 8),
            ((52, 48, 61, 39, 55), -10),
            ((70, 64, 83, 59), -12),
            ((29, 36, 44, 31, 40, 48), 12),
        ),
    ),
    "discount": (
        _discount,
        lambda price, percent: price * percent // 100,
        ((80, 35, 6), (120, 45, -9), (240, 15, 9), (160, 65, -8)),
    ),
    "journey": (
        _journey,
        lambda speed, hours, _: speed * hours,
        ((85, 6, 47, -40), (78, 7, 66, 20), (96, 8, 53, -30), (64, 9, 71, 40)),
    ),
    "floor": (_floor, lambda length, width, _: length * width, ((14, 9, 20, 1), (18, 7, 30, 1), (22, 11, 15, 1), (16, 13, 25, 1))),
    "minutes": (_minutes, lambda hours, *_: hours * 60, ((2, 35, 6, 1), (3, 12, 7, 1), (2, 48, 8, 1), (3, 24, 6, 1))),
    "there_and_back": (
        _there_and_back,
        lambda price, percent: (price + price * percent // 100) * percent // 100,
        ((900, 20, 1), (1200, 10, 1), (800, 30, 1), (1600, 25, 1)),
    ),
    "order_of_operations": (
        _order,
        lambda start, count, price: start + count * price,
        ((12, 9, 8, 1), (15, 11, 6, 1), (14, 7, 9, 1), (18, 12, 7, 1)),
    ),
}  # fmt: skip
"""Family -> its words, the right result of the step that slips, and the numbers, the slip last."""


def solutions() -> Iterator[Solution]:
    """All worked sums, family by family."""
    for family, (told, right, several) in FAMILIES.items():
        for number, (*numbers, slip) in enumerate(several, start=1):
            yield Solution(family, str(number), told(*numbers, 0), told(*numbers, slip), str(right(*numbers)))
