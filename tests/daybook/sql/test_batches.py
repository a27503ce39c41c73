import pytest

from daybook.sql.batches import PER_STATEMENT, batched


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (0, []),
        (1, [1]),
        (PER_STATEMENT, [PER_STATEMENT]),
        (2 * PER_STATEMENT + 1, [PER_STATEMENT, PER_STATEMENT, 1]),
    ],
)
def test_every_item_is_in_one_batch_in_order(count: int, sizes: list[int]) -> None:
    found = list(batched(iter(range(count))))
    assert [len(batch) for batch in found] == sizes
    assert [item for batch in found for item in batch] == list(range(count))


def test_a_size_of_ones_own() -> None:
    assert list(batched("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]
