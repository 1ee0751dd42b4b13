"""What the assets of all rooms share: their partition, their table, their checks, their resources."""
