"""Where the files of a model are.

Belongs here: a folder on this machine, or a repository of the Hugging Face hub. Does not belong here: what
is in the files, and the download of weights, which engines do themselves.
"""

from __future__ import annotations

from pathlib import Path

from cot_assets.engines.base import EngineError
from cot_assets.study import ModelEntry

#: What a prompt needs of a repository.
TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja"]


def tokenizer_folder(entry: ModelEntry) -> Path:
    """The folder that ``entry.path`` names, else one with the hub's tokenizer files of that name.

    The name of a folder from the hub is the commit. The declared revision is the hub's, except for a
    served model, whose revision says nothing about the repository of its tokenizer.

    Raises:
        EngineError: It is neither; the message says what the hub said.
    """
    if entry.local_path is not None and entry.local_path.is_dir():
        return entry.local_path
    if entry.path is None or entry.path.startswith(("/", ".", "~", "package:")):
        raise EngineError(
            f"model {entry.name!r}: {entry.path!r} is no folder on this machine; check `path` in models.toml"
        )
    from huggingface_hub import snapshot_download

    revision = entry.revision if entry.engine == "vllm" else None
    try:
        return Path(snapshot_download(entry.path, revision=revision, allow_patterns=TOKENIZER_FILES))
    except Exception as error:  # the hub's client raises a dozen kinds, of three libraries
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EngineError(
            f"model {entry.name!r}: {entry.path!r} is no folder on this machine, and the hub does not give it: "
            f"{reason}; check `path` and `revision` in models.toml, and set HF_TOKEN for a gated model"
        ) from error
