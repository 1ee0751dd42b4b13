-- Would the vote of a problem's rollouts be correct, where a single rollout is correct with probability V0?
-- note: The most frequent answer among the rollouts before the first token; correct answers are one answer, however they
-- note: are spelled, and rollouts without an answer do not vote. A tie counts as the share of its answers that are correct.
-- param problem_set: NULL = all problem sets
-- param model: NULL = all models
WITH votes AS (
    SELECT problem_set, model, problem_id, answer, is_correct, n_rollouts, n, prefix_id,
        rank() OVER (PARTITION BY problem_set, model, prefix_id ORDER BY n_rollouts DESC) AS place
    FROM answer_distribution
    WHERE (is_correct OR answer IS NOT NULL)
        AND (problem_set, model, prefix_id) IN (
            SELECT (problem_set, model, prefix_id) FROM trace_curves WHERE cut_index = 0
        )
)

SELECT
    problems.problem_set,
    problems.model,
    problems.problem_id,
    any_value(problems.n) AS n,
    round(any_value(problems.potential), 3) AS v0,
    first(votes.answer ORDER BY votes.answer) AS vote,
    coalesce(max(votes.n_rollouts), 0) AS n_votes,
    round(coalesce(avg(votes.is_correct::INTEGER), 0), 3) AS vote_is_correct
FROM (SELECT DISTINCT problem_set, model, problem_id, prefix_id, n, potential FROM trace_curves WHERE cut_index = 0) AS problems
LEFT JOIN votes
    ON votes.problem_set = problems.problem_set AND votes.model = problems.model
    AND votes.prefix_id = problems.prefix_id AND votes.place = 1
-- What was imported as counts has no answers that could vote.
WHERE EXISTS (
    SELECT 1 FROM answer_distribution AS votable
    WHERE votable.problem_set = problems.problem_set AND votable.model = problems.model AND votable.prefix_id = problems.prefix_id
)
    AND problems.problem_set = coalesce($problem_set, problems.problem_set)
    AND problems.model = coalesce($model, problems.model)
GROUP BY problems.problem_set, problems.model, problems.problem_id
ORDER BY ALL;
