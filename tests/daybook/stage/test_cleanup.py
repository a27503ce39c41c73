"""Objects of the stage that nobody needs are deleted, or named in the log."""

from pathlib import Path

import pytest

from daybook.errors import StageError, StageLost
from daybook.stage.cleanup import RecordedStage, discard
from daybook.stage.folder import FolderStage


class Failing(FolderStage):
    """A stage that refuses to delete the key `refused`, and counts the tries."""

    def __init__(self, path: Path, refused: str, error: type[StageError]) -> None:
        super().__init__(path)
        self._refused, self._error, self.tries = refused, error, 0

    def delete(self, key: str) -> None:
        self.tries += 1
        if key == self._refused:
            raise self._error(f"Cannot delete {key}.")
        super().delete(key)


@pytest.mark.parametrize(("error", "left"), [(StageError, ["b"]), (StageLost, ["b", "c"])])
def test_objects_that_cannot_be_deleted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: type[StageError], left: list[str]
) -> None:
    stage = Failing(tmp_path, "b", error)
    for key in "abc":
        stage.put(key, b"rows")
    assert discard(stage, list("abc"), "The load is committed") == [stage.uri(key) for key in left]
    assert sorted(file.name for file in tmp_path.iterdir()) == left
    assert "Cannot delete b. The load is committed, but these objects remain" in caplog.text
    assert all(stage.uri(key) in caplog.text for key in left) and stage.uri("a") not in caplog.text
    assert stage.tries == (2 if error is StageLost else 3)


def test_a_recorded_stage(tmp_path: Path) -> None:
    inner = FolderStage(tmp_path)
    stage = RecordedStage(inner)
    inner.put("other", b"x")
    stage.put("a", b"1")
    stage.put("b", b"2")
    assert (stage.get("a"), stage.uri("a"), str(stage)) == (b"1", inner.uri("a"), str(inner))
    stage.delete("a")
    stage.discard("It is extracted again")
    assert [file.name for file in tmp_path.iterdir()] == ["other"]
