-- Curves of one model on one problem set, the frame that cot_assets.measures takes: one row per measured
-- trace and cut, the end of the trace included, with the counts and the potential at the cut (NULL at the
-- end) and the trace's text and verdict. Where rollouts have weights, n is the effective number of them, rounded down, and
-- n_correct that times the potential: not a whole number.
-- Parameters: $problem_set, $model.
SELECT
    cuts.problem_set,
    cuts.model,
    cuts.problem_id,
    cuts.trace_id,
    cuts.cut_policy,
    cuts.cut_index,
    cuts.prefix_id,
    cuts.token_end,
    cuts.char_end,
    cuts.fraction,
    cuts.is_end,
    cuts.states_answer,
    cuts.leaks_answer,
    cuts.protocol,
    cuts.sampling_hash AS protocol_hash,
    coalesce(floor(potentials.n_effective)::INTEGER, potentials.n) AS n,
    coalesce(potentials.potential * floor(potentials.n_effective), potentials.n_correct) AS n_correct,
    potentials.potential,
    potentials.ci_low,
    potentials.ci_high,
    traces.text,
    traces.verdict
FROM trace_cuts AS cuts
JOIN traces USING (trace_id)
LEFT JOIN potentials
    ON potentials.problem_set = cuts.problem_set
    AND potentials.model = cuts.model
    AND potentials.prefix_id = cuts.prefix_id
WHERE cuts.problem_set = $problem_set AND cuts.model = $model
ORDER BY cuts.trace_id, cuts.cut_policy, cuts.cut_index;
