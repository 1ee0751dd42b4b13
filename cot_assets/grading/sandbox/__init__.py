"""Text that has to be run to be judged, in processes that can reach nothing."""
