"""vLLM in process."""
