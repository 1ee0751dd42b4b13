"""Which answers are still open at each cut? Their distribution, its entropy, the headroom of a step."""
