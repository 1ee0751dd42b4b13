CREATE VIEW answer_distribution AS
SELECT
    problem_set,
    model,
    problem_id,
    prefix_id,
    -- Correct answers are one answer, however they are spelled.
    min(answer) AS answer,
    verdict = 'correct' AS is_correct,
    count(*)::INTEGER AS n_rollouts,
    (sum(count(*)) OVER prefix)::INTEGER AS n,
    count(*) / sum(count(*)) OVER prefix AS share
FROM rollouts
WHERE origin = 'own' AND verdict <> 'unscored'
GROUP BY problem_set, model, problem_id, prefix_id, verdict = 'correct', CASE WHEN verdict <> 'correct' THEN answer END
WINDOW prefix AS (PARTITION BY problem_set, model, prefix_id);
COMMENT ON VIEW answer_distribution IS 'One row per prefix and distinct final answer of its rollouts.';
COMMENT ON COLUMN answer_distribution.model IS 'Model that was sampled (the reader)';
COMMENT ON COLUMN answer_distribution.prefix_id IS 'The prefix that was continued';
COMMENT ON COLUMN answer_distribution.answer IS 'The answer; NULL: rollouts without one, truncated ones among them';
COMMENT ON COLUMN answer_distribution.is_correct IS 'Whether it is the gold answer; its spellings count as one';
COMMENT ON COLUMN answer_distribution.n_rollouts IS 'Rollouts with this answer';
COMMENT ON COLUMN answer_distribution.n IS 'Scored rollouts of the prefix';
COMMENT ON COLUMN answer_distribution.share IS 'n_rollouts / n';
