"""Whether two readings say the same."""
