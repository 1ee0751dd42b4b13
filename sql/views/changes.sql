CREATE VIEW changes AS
SELECT
    problem_set, model, problem_id, trace_id, cut_policy, cut_index, n_before, n_after,
    k_before / n_before AS potential_before, k_after / n_after AS potential_after, delta, delta_fitted,
    insight_probability, insight_fitted, is_insight_confirmed, tangent_probability, tangent_fitted,
    is_tangent_confirmed, protocol, sampling_hash AS protocol_hash, k_before, k_after
FROM steps;
COMMENT ON VIEW changes IS 'One row per pair of neighboring measured cuts whose potentials are both known, event or not.';
COMMENT ON COLUMN changes.cut_index IS 'The first cut of the pair; the second is cut_index + 1';
COMMENT ON COLUMN changes.k_before IS 'Of the rollouts at the first cut, correct';
COMMENT ON COLUMN changes.k_after IS 'Of the rollouts at the second cut, correct';
