"""Parts keep all slices of a warehouse busy: small ones first, growing ones after them, and an even last round."""

import random

import pytest
import zstandard

from daybook.stage import filling
from daybook.stage.csv_format import Chunk
from daybook.stage.filling import filled, part_limit


def rows(count: int, size: int = 200) -> list[bytes]:
    """Return rows that barely compress, some with a newline inside quotes."""
    chance = random.Random(count)
    return [b'%d,"%s\n""%s"\n' % (n, chance.randbytes(size // 4).hex().encode(), b"x" * 9) for n in range(count)]


def csv_of(parts: list[filling.Filled]) -> bytes:
    return b"".join(zstandard.ZstdDecompressor().decompressobj().decompress(data) for data, _, _ in parts)


@pytest.mark.parametrize("slices", [1, 2, 4, 16, 32])
@pytest.mark.parametrize("count", [0, 1, 40, 500, 4_000])
def test_slices_get_even_shares(slices: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "LEAST", 2_000)
    given = rows(count)
    chunks = [Chunk(b"".join(given[n : n + 50]), len(given[n : n + 50])) for n in range(0, count, 50)]
    parts = list(filled(chunks, 16_000, slices))
    assert csv_of(parts) == b"".join(given)
    assert sum(part[1] for part in parts) == count
    assert sum(part[2] for part in parts) == sum(map(len, given))
    assert all(len(data) <= 16_000 for data, _, _ in parts)
    total = sum(len(data) for data, _, _ in parts)
    loads = [sum(len(data) for data, _, _ in parts[first::slices]) for first in range(slices)]
    assert max(loads) <= total / slices * 1.5 + 2_500
    if total > 2_500 * slices:
        assert len(parts) >= slices


def test_a_short_last_round_is_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise, three of four slices would wait for the one that has the last rows."""
    monkeypatch.setattr(filling, "LEAST", 1_000)
    data = b"".join(rows(3_500))
    parts = list(filled([Chunk(data, 3_500)], 2**20, 4))
    assert len(parts) % 4 == 0 and csv_of(parts) == data
    sizes = [len(part[0]) for part in parts]
    assert sizes[-4] > 3 * sizes[-3] and min(sizes[-3:]) > 0.9 * max(sizes[-3:])


def test_a_warehouse_without_slices_gets_parts_of_the_usual_size() -> None:
    data = b"".join(rows(20_000))
    assert [part[1] for part in filled([Chunk(data, 20_000)], 2**23, None)] == [20_000]
    assert part_limit(10**12, None, 2**23) == 2**23


@pytest.mark.parametrize(
    ("staged", "slices", "limit"),
    [(0, 4, 2**20), (2**26, 4, 2**22), (2**26, 16, 2**20), (2**40, 4, 2**23)],
    ids=["the first round", "a fourth of what a slice has", "at least 1 MiB", "at most the usual size"],
)
def test_parts_grow_with_what_is_staged(staged: int, slices: int, limit: int) -> None:
    assert part_limit(staged, slices, 2**23) == limit
