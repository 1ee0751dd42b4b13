CREATE VIEW problem_difficulty AS
WITH per_problem AS (
    SELECT
        problem_set,
        model,
        problem_id,
        count(*) AS n_traces,
        count(*) FILTER (WHERE verdict <> 'unscored') AS n_scored,
        count(*) FILTER (WHERE verdict = 'correct') AS n_correct,
        count(*) FILTER (WHERE verdict = 'truncated') AS n_truncated,
        avg(n_tokens) AS mean_tokens,
        protocol,
        sampling_hash AS protocol_hash
    FROM traces
    GROUP BY ALL
),
starts AS (
    -- Every curve of a problem starts at the same empty prefix; where imported ones do not, the best known.
    SELECT DISTINCT ON (cuts.problem_set, cuts.model, cuts.problem_id)
        cuts.problem_set, cuts.model, cuts.problem_id, potentials.n, potentials.potential, potentials.ci_low,
        potentials.ci_high
    FROM trace_cuts AS cuts
    JOIN potentials
        ON potentials.problem_set = cuts.problem_set
        AND potentials.model = cuts.model
        AND potentials.prefix_id = cuts.prefix_id
    WHERE cuts.cut_index = 0
    ORDER BY potentials.n DESC NULLS LAST, potentials.prefix_id
)
SELECT
    per_problem.problem_set,
    per_problem.model,
    per_problem.problem_id,
    problems.level,
    problems.subject,
    problems.statement,
    problems.gold_answer,
    starts.n AS v0_n,
    starts.potential AS v0,
    starts.ci_low AS v0_low,
    starts.ci_high AS v0_high,
    per_problem.n_traces,
    per_problem.n_correct,
    per_problem.n_correct / nullif(per_problem.n_scored, 0) AS accuracy,
    per_problem.n_truncated,
    per_problem.mean_tokens,
    per_problem.protocol,
    per_problem.protocol_hash
FROM per_problem
LEFT JOIN problems USING (problem_set, problem_id)
LEFT JOIN starts USING (problem_set, model, problem_id);
COMMENT ON VIEW problem_difficulty IS 'One row per problem and model: potential at the start (V0) and the share of correct traces.';
COMMENT ON COLUMN problem_difficulty.statement IS 'The question';
COMMENT ON COLUMN problem_difficulty.gold_answer IS 'The correct answer';
COMMENT ON COLUMN problem_difficulty.v0_n IS 'Scored rollouts from the empty CoT';
COMMENT ON COLUMN problem_difficulty.v0 IS 'Potential of the empty CoT; NULL if not measured';
COMMENT ON COLUMN problem_difficulty.v0_low IS 'Lower end of its 95% Jeffreys interval';
COMMENT ON COLUMN problem_difficulty.v0_high IS 'Upper end of its 95% Jeffreys interval';
COMMENT ON COLUMN problem_difficulty.n_traces IS 'Sampled traces, measured or not';
COMMENT ON COLUMN problem_difficulty.n_correct IS 'Of those, with a correct answer';
COMMENT ON COLUMN problem_difficulty.accuracy IS 'n_correct over the scored traces';
COMMENT ON COLUMN problem_difficulty.n_truncated IS 'Traces that ran out of tokens';
COMMENT ON COLUMN problem_difficulty.mean_tokens IS 'Mean length of the traces, tokens';
