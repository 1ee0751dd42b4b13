"""Models that come and go while the product runs: taking in what was found, and taking out what is forgotten."""
