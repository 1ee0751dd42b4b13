"""Convert a trained Hugging Face folder to what the OpenVINO engine loads, in the same folder.

Belongs here: the conversion. Does not belong here: training (:mod:`cot_assets.demo.train`) and
sampling (:mod:`cot_assets.engines.openvino.engine`).

Needs optimum-intel, openvino and torch in a plain virtual environment of its own (optimum-intel and
vLLM ask for different versions of huggingface-hub, so it is not an extra of this package)::

    python -m cot_assets.demo.export build/demo-strong cot_assets/demo/models/demo-strong
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

#: What a model folder of the package holds besides its card.
HUGGING_FACE = ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json")
OPENVINO = ("openvino_model.xml", "openvino_model.bin", "openvino_config.json")
OPTIONAL = ("tokenizer_config.json", "training.json")


def export(source: Path, target: Path) -> None:
    """Copy the Hugging Face files of ``source`` to ``target`` and add the OpenVINO model in float32.

    float32 keeps the two engines' probabilities alike; the models are small.
    """
    from optimum.intel import OVModelForCausalLM

    target.mkdir(parents=True, exist_ok=True)
    for name in (*HUGGING_FACE, *OPTIONAL):
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)
    with tempfile.TemporaryDirectory() as scratch:
        model = OVModelForCausalLM.from_pretrained(source, export=True, compile=False, load_in_8bit=False)
        model.save_pretrained(scratch)
        for name in OPENVINO:
            if (Path(scratch) / name).exists():
                shutil.copyfile(Path(scratch) / name, target / name)


def main() -> None:
    """Command line entry; see the module docstring."""
    parser = argparse.ArgumentParser(description="Add the OpenVINO model to a trained demo model.")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    export(arguments.source, arguments.target)


if __name__ == "__main__":
    main()
