CREATE VIEW sensitivity AS
SELECT
    problem_set,
    model,
    cut_policy,
    measure AS pattern,
    trace_filter,
    threshold,
    rule = 'threshold' AS is_in_use,
    size AS n,
    max(n) AS n_traces,
    max(n_problems) AS n_problems,
    max(estimate) FILTER (WHERE statistic = 'share') AS rate,
    max(ci_low) AS ci_low,
    max(ci_high) AS ci_high,
    max(estimate) FILTER (WHERE statistic = 'noise_flat') AS noise_flat,
    max(estimate) FILTER (WHERE statistic = 'noise_monotone') AS noise_monotone,
    protocol,
    sampling_hash AS protocol_hash
FROM estimates
WHERE question = 'sensitivity'
GROUP BY ALL;
COMMENT ON VIEW sensitivity IS 'Rates by the threshold rule with other thresholds and fewer rollouts, and the rates that noise alone would give.';
COMMENT ON COLUMN sensitivity.pattern IS 'insight, tangent, monotone, late_spike or lucky_guess';
COMMENT ON COLUMN sensitivity.threshold IS 'Change asked for (insight, tangent), drop tolerated (monotone) or potential asked to lie below (late_spike, lucky_guess)';
COMMENT ON COLUMN sensitivity.is_in_use IS 'The threshold is that of the protocol';
COMMENT ON COLUMN sensitivity.n IS 'Rollouts per cut, drawn without replacement from those that exist; the largest n is what cuts have';
COMMENT ON COLUMN sensitivity.n_traces IS 'Traces in the filter for which the pattern is decidable';
COMMENT ON COLUMN sensitivity.rate IS 'Share of traces with the pattern by the threshold rule, mean over draws; NULL without traces';
COMMENT ON COLUMN sensitivity.ci_low IS 'Lower end of its 95% interval at the effective sample size for clustering by problem, for one experiment of that n';
COMMENT ON COLUMN sensitivity.ci_high IS 'Upper end of it';
COMMENT ON COLUMN sensitivity.noise_flat IS 'The rate if no potential ever changed: every trace replaced by flat curves at its own level, with as many cuts and rollouts; NULL for guesses, which such a curve holds too';
COMMENT ON COLUMN sensitivity.noise_monotone IS 'The rate if no potential ever fell: every trace replaced by curves drawn from its isotonic fit; for insights these hold the rises of the fit; NULL for guesses';
