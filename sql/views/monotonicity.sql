CREATE VIEW monotonicity AS
SELECT
    problem_set, model, problem_id, trace_id, cut_policy, verdict, n_cuts, n_pairs, k0 / n0 AS v0, is_solved_without_cot,
    max_drop, max_rise, tolerance, is_monotone AS by_threshold, monotone_probability AS probability,
    is_monotone_confirmed AS is_confirmed, protocol, sampling_hash AS protocol_hash
FROM trace_patterns;
COMMENT ON VIEW monotonicity IS 'Traces whose potential never falls by more than the tolerance (ours: that of the paper is not public). One row per measured trace: is its curve monotone within the tolerance?';
COMMENT ON COLUMN monotonicity.verdict IS 'Verdict of the trace';
COMMENT ON COLUMN monotonicity.n_pairs IS 'Neighboring pairs with both ends known';
COMMENT ON COLUMN monotonicity.is_solved_without_cot IS 'v0 is at least the protocol''s solved_threshold';
COMMENT ON COLUMN monotonicity.max_drop IS 'Largest fall between neighboring cuts, >= 0';
COMMENT ON COLUMN monotonicity.tolerance IS 'Drop that is tolerated';
COMMENT ON COLUMN monotonicity.by_threshold IS 'Monotone: no estimated drop beyond the tolerance; NULL without pairs';
COMMENT ON COLUMN monotonicity.probability IS 'Posterior probability that no true drop is beyond the tolerance (pairs taken as independent)';
COMMENT ON COLUMN monotonicity.is_confirmed IS 'probability >= 0.95';
