"""Models loaded without a word, from weights that hold no code; one line where it fails."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.cores import Device
from rag.errors import ModelError, RagError, RequestError
from rag.models import ModelFiles

_LOGGERS = ("transformers", "sentence_transformers")
# Characters of what a library says that are told.
_LONGEST = 300
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


@contextmanager
def loading(name: str, *, own_code: bool = True) -> Iterator[None]:
    """In it the libraries say nothing, and what they raise becomes a ModelError of one line.

    `own_code` says whether there is an option that lets code of the model's own run.
    """
    with silence():
        try:
            yield
        except RagError:
            raise
        except Exception as error:
            raise ModelError(_told(name, error, own_code=own_code)) from error


def torch_device(given: Device, key: str) -> str:
    """The device to use. Raises RequestError, naming the option `key`, where it is not here."""
    import torch

    cuda = torch.cuda.is_available()
    if given == "cuda" and not cuda:
        raise RequestError(f"{key}: no CUDA device here; use 'auto' or 'cpu'")
    if given == "auto":
        return "cuda" if cuda else "cpu"
    return given


def check_weights(files: ModelFiles) -> None:
    """That a model has weights, and as safetensors. Raises ModelError where it has not."""
    if weight_files(files.folder):
        if files.sha256 is not None:
            files.weights()
        return
    pickled = sorted(path.name for kind in _PICKLED for path in files.folder.glob(kind))
    if pickled:
        raise ModelError(
            f"model '{files.name}' cannot be loaded: '{pickled[0]}' is a pickle, which can hold "
            "code, and is not read; save the weights as safetensors where you trust them"
        )
    raise ModelError(f"model '{files.name}' has no weights in '{files.folder}'")


def weight_files(folder: Path) -> list[Path]:
    """The safetensors of a model, which may be in a folder of the model's folder."""
    return sorted((*folder.glob("*.safetensors"), *folder.glob("*/*.safetensors")))


def check_kind(config: Any, name: str, classes: Any, needed: str) -> None:
    """That the library has a model of the kind `needed` for `config`.

    `classes` are the library's, by the class of their configurations. What brings code of its
    own is left to the library. Raises ModelError.
    """
    if type(config) not in classes and not getattr(config, "auto_map", None):
        kind = " or ".join(config.architectures or (config.model_type,))
        raise ModelError(
            f"model '{name}' cannot be loaded: it is of the architecture {kind}, and what is "
            f"needed is {needed}"
        )


def check_tokenizer(tokenizer: Any, files: ModelFiles) -> None:
    """That a tokenizer has words: where its files are missing, the library makes one without.

    Raises ModelError.
    """
    words = set(tokenizer.get_vocab().values()).difference(tokenizer.all_special_ids)
    # The one that T5's has then is the space.
    if len(words) < 2:
        raise ModelError(
            f"model '{files.name}' cannot be loaded: there is no tokenizer in '{files.folder}'"
        )


def check_complete(model: Any, files: ModelFiles, folder: Path, **given: Any) -> None:
    """That every weight of `model` was read from a file of `folder`.

    The library makes up what is missing, by chance, and the model then scores nonsense. Raises
    ModelError, which names a weight.
    """
    missing = _missing(model, folder, given)
    if missing:
        kind = " or ".join(model.config.architectures or ("unknown",))
        raise ModelError(
            f"model '{files.name}' cannot be loaded: its weights lack '{missing[0]}' (and "
            f"{len(missing) - 1} more), which {type(model).__name__} needs; they are of the "
            f"architecture {kind}"
        )


def _missing(model: Any, folder: Path, given: dict[str, Any]) -> list[str]:
    from safetensors import safe_open

    held: set[str] = set()
    for path in folder.glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            held.update(file.keys())
    if held.issuperset(model.state_dict()):
        return []
    # Names in files may be other ones, and tied weights are there once: the library knows.
    _, told = type(model).from_pretrained(
        str(folder),
        output_loading_info=True,
        local_files_only=True,
        use_safetensors=True,
        **given,
    )
    return sorted(told["missing_keys"])


@contextmanager
def silence() -> Iterator[None]:
    """In it the libraries show no progress bars and report nothing but errors."""
    from transformers.utils import logging as shown

    bars = shown.is_progress_bar_enabled()
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    shown.disable_progress_bar()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if bars:
            shown.enable_progress_bar()


def _told(name: str, error: Exception, *, own_code: bool) -> str:
    if "trust_remote_code" in str(error):
        told = f"model '{name}' needs code of its own, which is not run"
        way = ": set 'remote_code: true' beside 'model' if you trust whoever wrote it"
        return told + way if own_code else f"{told} here: choose another model"
    first, *others = (str(error).strip() or type(error).__name__).splitlines()
    # What ends so is nothing without the list that it announces.
    line = " ".join([first, *others]) if first.rstrip().endswith(":") else first
    return f"model '{name}' cannot be loaded: {' '.join(line.split())[:_LONGEST]}"
