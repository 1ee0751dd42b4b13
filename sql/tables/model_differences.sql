CREATE TABLE IF NOT EXISTS model_differences (
    problem_set        VARCHAR NOT NULL,
    model_a            VARCHAR NOT NULL,
    model_b            VARCHAR NOT NULL,
    measure            VARCHAR NOT NULL,
    rule               VARCHAR NOT NULL,
    cut_policy         VARCHAR NOT NULL,
    trace_filter       VARCHAR NOT NULL,
    n_problems         INTEGER NOT NULL,
    value_a            DOUBLE,
    value_a_low        DOUBLE,
    value_a_high       DOUBLE,
    value_b            DOUBLE,
    value_b_low        DOUBLE,
    value_b_high       DOUBLE,
    difference         DOUBLE,
    ci_low             DOUBLE,
    ci_high            DOUBLE,
    n_bins             INTEGER NOT NULL,
    matched_n_a        INTEGER NOT NULL,
    matched_n_b        INTEGER NOT NULL,
    matched_difference DOUBLE,
    matched_low        DOUBLE,
    matched_high       DOUBLE,
    protocol           VARCHAR NOT NULL,
    protocol_hash      VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model_a, model_b, measure, rule, cut_policy, trace_filter)
);
COMMENT ON TABLE model_differences IS 'How two models differ: on the same problems, and on problems of like V0. One row per two models, measure, rule, cut policy and trace filter.';
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
