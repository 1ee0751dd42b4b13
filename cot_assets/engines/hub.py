"""Where the files of a model are.

Belongs here: a folder on this machine, or a repository of the Hugging Face hub, through its client and cache. Does not
belong here: what is in the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cot_assets.engines.base import EngineError
from cot_assets.study import ModelEntry

#: What a prompt needs of a repository.
TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja"]
_SECONDS = 20.0  #: within which the hub must answer
_DESCRIPTIONS = ["*.json", "*.jinja", "tokenizer.model"]


def tokenizer_folder(entry: ModelEntry) -> Path:
    """The folder that ``entry.path`` names, else one with the hub's tokenizer files of that name.

    The name of a folder from the hub is the commit. The declared revision is the hub's, except for a
    served model, whose revision says nothing about the repository of its tokenizer.

    Raises:
        EngineError: It is neither; the message says what the hub said.
    """
    if entry.local_path is not None and entry.local_path.is_dir():
        return entry.local_path
    repository = _hub_name(entry)
    return _snapshot(entry, repository, TOKENIZER_FILES, is_offline=False)


def hub_weights(entry: ModelEntry, *, may_download: bool = True) -> Path:
    """The folder or GGUF file of a hub name, which is ``owner/name`` or ``owner/name/FILE.gguf``.

    Of a repository with a model for OpenVINO only that is fetched, of one with safetensors those, else its GGUF file.
    Without network, what is in the cache is taken.

    Raises:
        EngineError: It is not to be had; the message says how to fetch it elsewhere.
    """
    owner, _, rest = _hub_name(entry).partition("/")
    name, _, file = rest.partition("/")
    repository = f"{owner}/{name}"
    names = _files_of(entry, repository) if may_download else None
    several = [] if file else [n for n in _wanted("", names or ()) if n.endswith(".gguf")]
    if len(several) > 1:
        raise EngineError(
            f"model {entry.name!r}: {repository} holds {len(several)} GGUF files ({', '.join(several[:8])}); name one: "
            f'path = "{repository}/{several[0]}"'
        )
    folder = _snapshot(entry, repository, _wanted(file, names or ()), is_offline=names is None)
    if file and not (folder / file).is_file():
        raise EngineError(f"model {entry.name!r}: {repository} holds no {file} ({_way_out(repository)})")
    return folder / file if file else folder


def _wanted(file: str, names: Sequence[str]) -> list[str]:
    if file:
        return [file]
    if "openvino_model.xml" in names:
        return ["openvino_model.xml", "openvino_model.bin", *_DESCRIPTIONS]
    if any("/" not in name and name.endswith(".safetensors") for name in names):
        return ["*.safetensors", *_DESCRIPTIONS]
    return [name for name in names if name.endswith(".gguf")] or _DESCRIPTIONS


def _files_of(entry: ModelEntry, repository: str) -> list[str] | None:
    """Names of a repository's files; None without network."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        info = HfApi().model_info(repository, revision=entry.revision, timeout=_SECONDS)
    except (HfHubHTTPError, HFValidationError) as error:
        raise _refused(entry, error) from error
    except Exception:  # noqa: BLE001 - no network, in the words of three libraries
        return None
    return [file.rfilename for file in info.siblings or ()]


def _hub_name(entry: ModelEntry) -> str:
    path = entry.path
    if path is None or path.startswith(("/", ".", "~", "package:")):
        raise EngineError(
            f"model {entry.name!r}: {path!r} is not a folder on this machine; check `path` in models.toml"
        )
    return path


def _snapshot(entry: ModelEntry, repository: str, patterns: list[str], *, is_offline: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    revision = None if entry.engine == "openai" else entry.revision
    try:
        folder = snapshot_download(
            repository, revision=revision, allow_patterns=patterns, local_files_only=is_offline
        )
        return Path(folder)
    except (HfHubHTTPError, HFValidationError) as error:
        raise _refused(entry, error) from error
    except (LocalEntryNotFoundError, OSError) as error:
        raise EngineError(
            f"model {entry.name!r}: {entry.path!r} is not a folder on this machine and not in the hub's cache, and the hub "
            f"is not reached; {_way_out(repository)}"
        ) from error
    except Exception as error:  # the hub's client raises a dozen kinds, of three libraries
        raise _refused(entry, error) from error


def _way_out(repository: str) -> str:
    return (
        f"fetch it where there is a network, `hf download {repository}`, and copy its folder from HF_HOME "
        "(default ~/.cache/huggingface) to the same place here, or give `path` a folder"
    )


def _refused(entry: ModelEntry, error: Exception) -> EngineError:
    return EngineError(
        f"model {entry.name!r}: {entry.path!r} is not a folder on this machine, and the hub does not give it: "
        f"{_first_line(error)}; check `path` and `revision` in models.toml, and set HF_TOKEN for a gated model"
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
