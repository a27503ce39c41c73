"""A folder as the stage, the default on a machine without S3."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG

from daybook.errors import StageError
from daybook.stage.base import StagedObject


class FolderStage:
    """A stage whose objects are files below `path`. The first write creates the folder."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser().absolute()

    def __str__(self) -> str:
        return f"folder {self.path}"

    def __repr__(self) -> str:
        return f"FolderStage({str(self.path)!r})"

    def uri(self, key: str) -> str:
        return self._file(key).as_uri()

    def region(self) -> None:
        return None

    def access_keys(self) -> None:
        return None

    def put(self, key: str, data: bytes) -> None:
        file = self._file(key)
        with _explained("write", file):
            # The rows may be personal data, so only this user can read the folder of a run.
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Write to a temporary name first, so that a killed process leaves no partial object under this key.
            handle, unfinished = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
            try:
                with os.fdopen(handle, "wb", buffering=0) as out:
                    rest = memoryview(data)
                    while rest:
                        rest = rest[out.write(rest) :]
                os.replace(unfinished, file)
            except BaseException:
                os.unlink(unfinished)
                raise

    def get(self, key: str) -> bytes:
        file = self._file(key)
        with _explained("read", file):
            return file.read_bytes()

    def delete(self, key: str) -> None:
        file = self._file(key)
        with _explained("delete", file):
            file.unlink(missing_ok=True)
        # Remove the folder of the run with its last file; rmdir refuses until then. Keep the folder of the table, in
        # which another run may be about to create a folder.
        with suppress(OSError):
            if file.parent != self.path:
                file.parent.rmdir()

    def objects(self) -> Iterator[StagedObject]:
        """Yield all objects, without those that are deleted in the meantime."""
        with _explained("list", self.path):
            for file in sorted(self.path.rglob("*")):
                with suppress(FileNotFoundError):
                    found = file.stat()
                    if S_ISREG(found.st_mode):
                        written_at = datetime.fromtimestamp(found.st_mtime, UTC)
                        yield StagedObject(file.relative_to(self.path).as_posix(), found.st_size, written_at)

    def _file(self, key: str) -> Path:
        file = self.path / key
        if ".." in file.parts or self.path not in file.parents:
            raise StageError(f"{key!r} is not below {self.path}: a key must be a relative path without '..'.")
        return file


@contextmanager
def _explained(verb: str, file: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise StageError(
            f"Cannot {verb} {file}: the file does not exist. Either someone cleaned the stage, or the rows were "
            "extracted on another machine. Run the load again."
        ) from error
    except OSError as error:
        raise StageError(
            f"Cannot {verb} {file}: {error.strerror}. The user that runs the flow needs write access to the folder, "
            "and the disk needs space for the compressed rows."
        ) from error
