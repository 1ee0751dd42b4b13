"""How does the potential run along a trace? Problems, traces, cuts, rollouts, potentials, martingale check."""
