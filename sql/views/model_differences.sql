CREATE VIEW model_differences AS
SELECT
    problem_set,
    model AS model_a,
    other AS model_b,
    measure,
    rule,
    cut_policy,
    trace_filter,
    max(n_problems) FILTER (WHERE statistic = 'difference') AS n_problems,
    max(estimate) FILTER (WHERE statistic = 'mean') AS value_a,
    max(ci_low) FILTER (WHERE statistic = 'mean') AS value_a_low,
    max(ci_high) FILTER (WHERE statistic = 'mean') AS value_a_high,
    max(estimate) FILTER (WHERE statistic = 'reference') AS value_b,
    max(ci_low) FILTER (WHERE statistic = 'reference') AS value_b_low,
    max(ci_high) FILTER (WHERE statistic = 'reference') AS value_b_high,
    max(estimate) FILTER (WHERE statistic = 'difference') AS difference,
    max(ci_low) FILTER (WHERE statistic = 'difference') AS ci_low,
    max(ci_high) FILTER (WHERE statistic = 'difference') AS ci_high,
    coalesce(max(n) FILTER (WHERE statistic = 'matched_difference'), 0) AS n_bins,
    coalesce(max(n) FILTER (WHERE statistic = 'matched_mean'), 0) AS matched_n_a,
    coalesce(max(n) FILTER (WHERE statistic = 'matched_reference'), 0) AS matched_n_b,
    max(estimate) FILTER (WHERE statistic = 'matched_difference') AS matched_difference,
    max(ci_low) FILTER (WHERE statistic = 'matched_difference') AS matched_low,
    max(ci_high) FILTER (WHERE statistic = 'matched_difference') AS matched_high,
    protocol,
    sampling_hash AS protocol_hash
FROM estimates
WHERE question = 'model_differences'
GROUP BY ALL;
COMMENT ON VIEW model_differences IS 'How two models differ: on the same problems, and on problems of like V0. One row per two models, measure, rule, cut policy and trace filter.';
COMMENT ON COLUMN model_differences.model_a IS 'Model from whose value the other''s is taken';
COMMENT ON COLUMN model_differences.model_b IS 'The other model';
COMMENT ON COLUMN model_differences.measure IS 'accuracy (all scored traces), v0, or a pattern';
COMMENT ON COLUMN model_differences.rule IS 'threshold or confirmed for a pattern; none for accuracy and v0';
COMMENT ON COLUMN model_differences.cut_policy IS 'Where traces are cut, for a pattern; any for accuracy and v0';
COMMENT ON COLUMN model_differences.n_problems IS 'Problems that both have';
COMMENT ON COLUMN model_differences.value_a IS 'Mean over these of model_a''s mean per problem; NULL without problems';
COMMENT ON COLUMN model_differences.value_a_low IS 'Lower end of its 95% interval, cluster bootstrap by problem';
COMMENT ON COLUMN model_differences.value_a_high IS 'Upper end of it';
COMMENT ON COLUMN model_differences.value_b IS 'The same of model_b';
COMMENT ON COLUMN model_differences.value_b_low IS 'Lower end of its 95% interval, cluster bootstrap by problem';
COMMENT ON COLUMN model_differences.value_b_high IS 'Upper end of it';
COMMENT ON COLUMN model_differences.difference IS 'value_a - value_b, paired by problem, each problem counting once';
COMMENT ON COLUMN model_differences.ci_low IS 'Lower end of its 95% interval, bootstrap by problem';
COMMENT ON COLUMN model_differences.ci_high IS 'Upper end of it';
COMMENT ON COLUMN model_differences.n_bins IS 'V0 bins that both fill; 0 for accuracy and v0';
COMMENT ON COLUMN model_differences.matched_n_a IS 'Traces of model_a in these bins';
COMMENT ON COLUMN model_differences.matched_n_b IS 'Traces of model_b in these bins';
COMMENT ON COLUMN model_differences.matched_difference IS 'Difference of the rates with equal weights over these bins; NULL without such a bin';
COMMENT ON COLUMN model_differences.matched_low IS 'Lower end of its 95% interval, from the intervals of both rates (Newcombe 1998)';
COMMENT ON COLUMN model_differences.matched_high IS 'Upper end of it';
