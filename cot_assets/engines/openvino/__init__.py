"""The embedded engine and its audit."""
