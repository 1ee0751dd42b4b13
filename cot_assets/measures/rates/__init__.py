"""How often does each pattern occur? Rates, matching on V0, sensitivity, pass@k, comparisons of models."""
