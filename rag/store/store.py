"""The embedded store: one folder, one writer, any number of readers."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.errors import IndexDamagedError, NoIndexError, RequestError
from rag.protocols import Encoder, LexicalEngine
from rag.store.database import connect, create, disk_full, explained, settle
from rag.store.dense import DenseEngine
from rag.store.edits import Writer
from rag.store.folders import INDEX_FOLDER, SOURCES_FOLDER, linked
from rag.store.generation import Generation, Generations
from rag.store.lock import writer_lock
from rag.store.rows import Rows
from rag.store.view import StoreView
from rag.store.writer import StoreWriter, empty_change

_REBUILD = "rebuild"
# Connections that are kept open for the next questions; each may hold a cache of 32 MB.
_IDLE = 8
# How the names begin that a folder of an index may hold.
_OURS = (".gitignore", "answers.db", "generations", "index.db", _REBUILD, SOURCES_FOLDER, "writer.")


class Store:
    """An index on disk. Safe to use from several threads; several stores may be open at once."""

    def __init__(
        self, folder: Path, lexical: LexicalEngine | None, *, dense: DenseEngine | bool
    ) -> None:
        self.folder = folder
        self.database = folder / "index.db"
        self._lexical = lexical
        self._dense = dense
        self.generations = Generations(folder / "generations", lexical, dense)
        self._loaded: Generation | None = None
        self._loading = threading.Lock()
        self._keeping = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        # Device and number of the database's file.
        self._file: tuple[int, int] | None = None
        self._closed = False

    @classmethod
    def create(
        cls,
        folder: Path,
        lexical: LexicalEngine | None,
        *,
        dense: DenseEngine | bool,
        pipeline: dict[str, Any],
    ) -> Store:
        """An empty index in `folder`, with the frozen index part of its pipeline.

        Raises RequestError where the folder holds what is not an index's.
        """
        _refuse_others_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        store = cls(folder, lexical, dense=dense)
        with translated(store.database), writer_lock(folder):
            if store.database.exists():
                return store
            ignored = folder / ".gitignore"
            if not ignored.exists():
                ignored.write_text("*\n")
            store.generations.build(0, 1, empty_change(bool(dense)))
            draft = folder / "index.db.draft"
            draft.unlink(missing_ok=True)
            create(draft)
            connection = connect(draft, write=True)
            writer = Writer(connection)
            with writer.transaction():
                for key, value in (("pipeline", pipeline), ("generation", 1), ("passages", 0)):
                    writer.set_meta(key, value)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            # The log of a database that somebody removed would be taken for this one's.
            for leftover in folder.glob("index.db-*"):
                leftover.unlink()
            draft.rename(store.database)
        return store

    def meta(self, key: str, default: Any = None) -> Any:
        """A value of the index's record."""
        with self.rows() as rows:
            return rows.meta(key, default)

    @contextmanager
    def rows(self) -> Iterator[Rows]:
        """The tables, in one read transaction."""
        with translated(self.database):
            file, connection = self._take()
            try:
                connection.execute("BEGIN")
                yield Rows(connection)
            finally:
                self._give_back(file, connection)

    @contextmanager
    def view(
        self,
        encoder: Callable[[], Encoder | None],
        check: Callable[[Rows], None] = lambda _: None,
    ) -> Iterator[StoreView]:
        """The published state at this moment; an update meanwhile does not touch it.

        `check` may refuse it by its record, before its search structures are opened.
        """
        with self.rows() as rows:
            generation = self._latest(rows, check)
            view = StoreView(rows.connection, generation, encoder, self.rows)
            try:
                yield view
            finally:
                view.close()

    @contextmanager
    def writing(self) -> Iterator[StoreWriter]:
        """Hold the index for writing: see `StoreWriter`. Raises IndexBusyError."""
        with translated(self.database), writer_lock(self.folder):
            connection = connect(self.database, write=True)
            try:
                dense = bool(self._dense)
                yield StoreWriter(connection, self.generations, self._lexical, dense=dense)
                settle(connection)
            finally:
                connection.close()

    def close(self) -> None:
        """Close what is open for reading; what is being read is closed when that is done."""
        with self._keeping:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        with self._loading:
            self._loaded = None

    def rebuilt(self, pipeline: dict[str, Any], encoder: str | None) -> Store:
        """A second store inside this one's folder, to be filled and then `adopt`ed.

        What an interrupted rebuild left is used on where it was by the same pipeline and
        encoder (its fingerprint); any other is dropped.
        """
        folder = self.folder / _REBUILD
        draft = Store(folder, self._lexical, dense=self._dense)
        if draft.database.exists():
            left = draft.meta("pipeline"), draft.meta("encoder", encoder)
            draft.close()
            if left != (pipeline, encoder):
                shutil.rmtree(folder)
        return Store.create(folder, self._lexical, dense=self._dense, pipeline=pipeline)

    def adopt(self, draft: Store) -> None:
        """Replace everything here by what `draft` holds, in one transaction; `draft` is gone."""
        with self.writing() as writer:
            with draft.writing() as draft_writer:
                number = 1 + max(w.rows.meta("generation") for w in (writer, draft_writer))
                draft_writer.renumber(number)
            target = self.generations.path(number)
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(draft.generations.path(number), target, copy_function=linked)
            with draft.rows() as rows:
                rows.connection.backup(writer.rows.connection)
            self.generations.remove_others(number)
        draft.close()
        shutil.rmtree(draft.folder)

    def generation(self, rows: Rows) -> Generation:
        """The published generation as `rows` sees it, opened once and kept."""
        number = rows.meta("generation")
        with self._loading:
            if self._loaded is not None and self._loaded.number == number:
                return self._loaded
            opened = self.generations.open(number, rows.meta("passages"), rows.languages())
            # A reader that is late with an older one has it for itself.
            newest = self._loaded is None or self._loaded.number < number
            if newest and not self._closed:
                self._loaded = opened
            return opened

    def _latest(self, rows: Rows, check: Callable[[Rows], None]) -> Generation:
        """The published generation; again where updates removed it before it was opened."""
        while True:
            check(rows)
            number = rows.meta("generation")
            try:
                return self.generation(rows)
            except IndexDamagedError:
                rows.connection.execute("ROLLBACK")
                rows.connection.execute("BEGIN")
                if rows.meta("generation") == number:
                    raise

    def _take(self) -> tuple[tuple[int, int], sqlite3.Connection]:
        """A connection, and the file that it reads."""
        with self._keeping:
            file = self._followed()
            if self._idle:
                return file, self._idle.pop()
        return file, connect(self.database)

    def _followed(self) -> tuple[int, int]:
        """The database's file. What was open of another, which it has replaced, is let go."""
        try:
            status = self.database.stat()
        except FileNotFoundError:
            raise NoIndexError(
                f"no index in '{self.folder}': run 'rag index FOLDER' first"
            ) from None
        file = (status.st_dev, status.st_ino)
        if file != self._file:
            for connection in self._idle:
                connection.close()
            self._idle, self._loaded, self._file = [], None, file
        return file

    def _give_back(self, file: tuple[int, int], connection: sqlite3.Connection) -> None:
        """Keep a connection for the next question, or close it."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except BaseException:
            connection.close()
            raise
        with self._keeping:
            if not self._closed and file == self._file and len(self._idle) < _IDLE:
                self._idle.append(connection)
                return
        connection.close()


def _refuse_others_folder(folder: Path) -> None:
    """An index is not strewn among somebody's files."""
    if not folder.is_dir():
        return
    names = (path.name for path in folder.iterdir())
    if others := sorted(name for name in names if not name.startswith(_OURS)):
        raise RequestError(
            f"'{folder}' holds other things ({others[0]}) and no index: name a new folder, such "
            f"as '{folder / INDEX_FOLDER}'"
        )


@contextmanager
def translated(database: Path) -> Iterator[None]:
    """Errors of SQLite, and a full disk, as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise explained(error, database) from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise disk_full(database.parent) from error
