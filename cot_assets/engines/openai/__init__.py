"""Any OpenAI-compatible completions server: requests, answers, and what a server can."""
