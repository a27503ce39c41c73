"""A folder as the stage: the default of a machine that has no S3."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from daybook.errors import StageError


class FolderStage:
    """Objects are files below `path`, a folder that is made when it is first needed."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser().absolute()

    def __str__(self) -> str:
        return f"folder {self.path}"

    def __repr__(self) -> str:
        return f"FolderStage({str(self.path)!r})"

    def uri(self, key: str) -> str:
        return self._file(key).as_uri()

    def put(self, key: str, data: bytes) -> None:
        file = self._file(key)
        with _explained("write", file):
            # The rows may be personal data: the folder of a run is for this user alone.
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Under another name first: a process that dies while writing leaves no half-written part behind.
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
        # The folder of a run goes with its last file: one that still holds something refuses to. The table's folder
        # stays, for another run may be about to make its own in there.
        with suppress(OSError):
            if file.parent != self.path:
                file.parent.rmdir()

    def _file(self, key: str) -> Path:
        file = self.path / key
        if ".." in file.parts or self.path not in file.parents:
            raise StageError(f"{key!r} is not a place below {self.path}: a key is a relative path without '..'.")
        return file


@contextmanager
def _explained(verb: str, file: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise StageError(
            f"Cannot {verb} {file}: it does not exist. Was the stage cleaned, or is this another machine than the one "
            "that extracted? Then extract again."
        ) from error
    except OSError as error:
        raise StageError(
            f"Cannot {verb} {file}: {error.strerror}. The folder must be writable for the user that runs the flow, "
            "on a disk with room for the compressed rows."
        ) from error
