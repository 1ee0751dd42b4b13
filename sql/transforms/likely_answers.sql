-- The answers, at most three, that at least a tenth of the rollouts of a prefix give; prefixes with one of them are left out.
-- Parameters: $problem_set.
SELECT model, prefix_id, list({'answer': answer, 'is_correct': is_correct, 'share': share} ORDER BY share DESC, answer)[:3] AS likely
FROM answer_distribution
WHERE problem_set = $problem_set AND share >= 0.1
GROUP BY model, prefix_id
HAVING count(*) > 1;
