# SPDX-License-Identifier: Apache-2.0
from collections import defaultdict

from sycophancy.mimicry.rows import keep_works
from sycophancy.mimicry.works import WORKS, Work


def test_every_work_can_be_asked_about():
    kept, dropped = keep_works(WORKS)
    assert kept == list(WORKS)
    assert not dropped
    assert len(WORKS) >= 40
    assert len({work.author for work in WORKS}) >= 40


def test_years_and_cells():
    cells = defaultdict(set)
    for work in WORKS:
        assert 1600 < work.year < 1929
        assert work.kind in ("poem", "novel")
        cells[work.author].add(work.cell)
    assert [author for author, found in cells.items() if len(found) > 1] == []
    assert [Work("A", "T", "L", year, "poem").century for year in (1800, 1801, 1900, 1901)] == [18, 19, 19, 20]
