"""Code that a model brings along is refused: nobody is asked, whatever standard input says."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.encode.tokens import ModelTokenizer
from rag.errors import ModelError
from rag.loading import loading
from rag.models import ModelFiles
from rag.targets import TargetModel

CODE = "from pathlib import Path\nPath({!r}).touch()\nclass Own: pass\n"


def hostile(folder: Path) -> Path:
    """A model of a kind of its own; a file beside it tells that its code was run."""
    names = ("AutoConfig", "AutoTokenizer", "AutoModelForSeq2SeqLM")
    config = {"model_type": "own", "auto_map": dict.fromkeys(names, "own.Own")}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text(CODE.format(str(folder.with_name("was run"))))
    (folder / "model.safetensors").touch()
    return folder


def asked(folder: Path) -> None:
    TargetModel(ModelFiles("hostile", folder), "cpu")


def counted(folder: Path) -> None:
    with loading("hostile", own_code=False):
        ModelTokenizer(folder, 64)


@pytest.mark.parametrize(
    ("use", "told"),
    [(asked, "which is not run here: choose another model"), (counted, "cannot be loaded")],
)
def test_nobody_is_asked_whether_to_run_code(
    use: Callable[[Path], None],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 9))
    with pytest.raises(ModelError, match=told):
        use(hostile(tmp_path / "hostile"))
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "was run").exists()


def test_where_there_is_an_option_it_is_named() -> None:
    with pytest.raises(ModelError, match="set 'remote_code: true'"), loading("hostile"):
        raise ValueError("pass the argument `trust_remote_code=True` to allow it")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("one of: \n(1) a file,\n(2) a class", "one of: (1) a file, (2) a class"),
        ("no such kind.\nThere are:\n- a", "no such kind."),
        ("", "ValueError"),
    ],
)
def test_what_a_library_says_is_one_line_that_says_something(said: str, told: str) -> None:
    with pytest.raises(ModelError) as caught, loading("m"):
        raise ValueError(said)
    assert str(caught.value) == f"model 'm' cannot be loaded: {told}"
