"""Where a model's weights are and in which form: OpenVINO folders, GGUF files, safetensors, hub names."""
