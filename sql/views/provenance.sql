-- What a rollout was sampled with and how its verdict was reached. Texts are in rollout_texts.
CREATE VIEW provenance AS
WITH asked AS (  -- one block may serve two assets
    SELECT problem_set, model, block_key, any_value(seed) AS seed, any_value(sampled_with) AS sampled_with,
        any_value(prompt) AS prompt
    FROM blocks
    GROUP BY ALL
),
audited AS (
    SELECT problem_set, model, block_key, shard, any_value(verdict) AS verdict, any_value(z) AS z
    FROM audits
    GROUP BY ALL
)
SELECT
    rollouts.problem_set,
    rollouts.model,
    rollouts.problem_id,
    rollouts.prefix_id,
    rollouts.sample_index,
    coalesce(asked.prompt, problems.prompt) AS prompt,
    rollouts.finish_reason,
    rollouts.verdict,
    rollouts.answer,
    rollouts.answer_rule,
    problems.gold_answer,
    CASE rollouts.verdict
        WHEN 'no_answer' THEN 'no final answer found'
        WHEN 'truncated' THEN 'out of tokens without a final answer'
        ELSE (
            SELECT grades.reason
            FROM grades
            WHERE grades.grader_version = rollouts.grader_version
                AND grades.answer = rollouts.answer
                AND grades.gold_answer = coalesce(problems.judged_by, problems.gold_answer)
                AND grades.answer_kind = problems.answer_kind
        )
    END AS decided_by,
    rollouts.block_key,
    asked.seed,
    asked.sampled_with,
    coalesce(audited.verdict, 'not audited') AS audit,
    round(audited.z, 1) AS audit_z,
    rollouts.shard
FROM rollouts
JOIN problems USING (problem_set, problem_id)
LEFT JOIN asked USING (problem_set, model, block_key)
LEFT JOIN audited USING (problem_set, model, block_key, shard);
COMMENT ON VIEW provenance IS 'One row per rollout: what it was sampled with and how its verdict was reached. Texts: view rollout_texts, query provenance.';
COMMENT ON COLUMN provenance.model IS 'Model that was sampled';
COMMENT ON COLUMN provenance.prefix_id IS 'The prefix that was continued';
COMMENT ON COLUMN provenance.sample_index IS '0 ... n-1 among the rollouts of the prefix';
COMMENT ON COLUMN provenance.prompt IS 'The prompt as text, special tokens too; that of the problem where the block does not say (imported)';
COMMENT ON COLUMN provenance.finish_reason IS 'stop, length, content_filter, or unknown (imported, or a word of the server without a known meaning)';
COMMENT ON COLUMN provenance.verdict IS 'correct, incorrect, no_answer, truncated or unscored';
COMMENT ON COLUMN provenance.answer IS 'Extracted final answer of prefix and completion; NULL if there is none';
COMMENT ON COLUMN provenance.gold_answer IS 'What it was compared with';
COMMENT ON COLUMN provenance.decided_by IS 'Stage of the grader that decided, or why there was nothing to compare';
COMMENT ON COLUMN provenance.block_key IS 'Identity of the block that it was sampled in';
COMMENT ON COLUMN provenance.seed IS 'Seed of the block, 64 bits';
COMMENT ON COLUMN provenance.sampled_with IS 'JSON of all that can change a probability; NULL if imported';
COMMENT ON COLUMN provenance.audit IS 'Of its block: passed, failed or not audited';
COMMENT ON COLUMN provenance.audit_z IS 'Of its block: z of the audit';
COMMENT ON COLUMN provenance.shard IS 'Parquet file that holds the text, relative to the shards folder';
