CREATE VIEW search_effects AS
SELECT
    problem_set,
    model,
    measure,
    max(estimate) FILTER (WHERE statistic = 'mean') AS value,
    max(ci_low) FILTER (WHERE statistic = 'mean') AS value_low,
    max(ci_high) FILTER (WHERE statistic = 'mean') AS value_high,
    max(estimate) FILTER (WHERE statistic = 'reference') AS reference,
    max(ci_low) FILTER (WHERE statistic = 'reference') AS reference_low,
    max(ci_high) FILTER (WHERE statistic = 'reference') AS reference_high,
    max(estimate) FILTER (WHERE statistic = 'difference') AS difference,
    max(ci_low) FILTER (WHERE statistic = 'difference') AS difference_low,
    max(ci_high) FILTER (WHERE statistic = 'difference') AS difference_high,
    max(n) FILTER (WHERE statistic = 'difference') AS n,
    max(n_problems) FILTER (WHERE statistic = 'difference') AS n_problems,
    protocol,
    sampling_hash AS protocol_hash
FROM estimates
WHERE question = 'search_effects'
GROUP BY ALL;
COMMENT ON VIEW search_effects IS 'One row per model and measure: searched against sampled traces of the same problems, and selection against fresh estimates of the same chunks. Means with 95% bootstrap intervals by problem.';
COMMENT ON COLUMN search_effects.measure IS 'correct (share with a correct answer), n_tokens, potential (mean at the same token positions, the verdict once a trace has ended), monotone_by_tolerance, monotone_by_test (shares), selection_bias (value = estimate that won, reference = fresh estimate of the same chunk)';
COMMENT ON COLUMN search_effects.value IS 'Mean over problems for searched traces; for selection_bias over chunks';
COMMENT ON COLUMN search_effects.value_low IS 'Lower end of its interval';
COMMENT ON COLUMN search_effects.value_high IS 'Upper end of its interval';
COMMENT ON COLUMN search_effects.reference IS 'Mean over the same problems for sampled traces: all of the problem''s traces for correct and n_tokens, the measured one for the others';
COMMENT ON COLUMN search_effects.reference_low IS 'Lower end of its interval';
COMMENT ON COLUMN search_effects.reference_high IS 'Upper end of its interval';
COMMENT ON COLUMN search_effects.difference IS 'value - reference, paired by problem; for selection_bias by chunk';
COMMENT ON COLUMN search_effects.difference_low IS 'Lower end of its interval';
COMMENT ON COLUMN search_effects.difference_high IS 'Upper end of its interval';
COMMENT ON COLUMN search_effects.n IS 'Pairs: problems, or chunks for selection_bias';
COMMENT ON COLUMN search_effects.n_problems IS 'Problems that have both; NULL figures where there is none';
