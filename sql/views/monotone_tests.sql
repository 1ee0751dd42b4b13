CREATE VIEW monotone_tests AS
SELECT
    problem_set, model, problem_id, trace_id, cut_policy, verdict, n_known_cuts, statistic, max_misfit, p_value,
    q_value, is_monotone_by_test AS is_monotone, protocol, sampling_hash AS protocol_hash
FROM trace_patterns;
COMMENT ON VIEW monotone_tests IS 'One row per measured trace: could its true potential never fall? Likelihood ratio of the isotonic against the free fit.';
COMMENT ON COLUMN monotone_tests.verdict IS 'Verdict of the trace';
COMMENT ON COLUMN monotone_tests.n_known_cuts IS 'Measured cuts with rollouts, the end not counted';
COMMENT ON COLUMN monotone_tests.statistic IS 'Twice the log-likelihood that the isotonic fit loses; 0 if the estimates never fall; NULL with fewer than two known cuts';
COMMENT ON COLUMN monotone_tests.p_value IS 'Largest P(statistic at least as large) over flat curves at a grid of levels; 1 if the estimates never fall';
COMMENT ON COLUMN monotone_tests.is_monotone IS 'Monotone by test: q_value >= 0.05, so of the traces that are not, at most 5% are expected to be';
