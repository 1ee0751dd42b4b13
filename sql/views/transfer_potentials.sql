CREATE VIEW transfer_potentials AS
SELECT
    given.problem_set,
    given.reader,
    given.writer,
    given.problem_id,
    given.trace_id,
    given.fraction,
    given.control,
    given.cut_index,
    given.share,
    given.prefix_id,
    given.n_tokens,
    traces.verdict AS trace_verdict,
    given.leaks_answer,
    potentials.n,
    potentials.n_correct,
    potentials.n_truncated,
    potentials.n_no_answer,
    potentials.n_unscored,
    potentials.potential,
    potentials.ci_low,
    potentials.ci_high,
    coalesce(potentials.is_n_approximate, false) AS is_n_approximate,
    given.protocol,
    given.sampling_hash AS protocol_hash
FROM given
LEFT JOIN traces ON traces.trace_id = given.trace_id
LEFT JOIN potentials
    ON potentials.problem_set = given.problem_set
    AND potentials.model = given.reader
    AND potentials.prefix_id = given.prefix_id;
COMMENT ON VIEW transfer_potentials IS 'One row per text that a reader was given: the reader''s potential there. The reader''s own V0 is at fraction 0.';
COMMENT ON COLUMN transfer_potentials.fraction IS 'Share of the writer''s trace that was asked for, in the writer''s tokens; the measured cut nearest to it is taken';
COMMENT ON COLUMN transfer_potentials.cut_index IS 'That cut of the writer''s trace; for a control, the cut whose prefix has its length';
COMMENT ON COLUMN transfer_potentials.share IS 'Share of the writer''s trace before that cut';
COMMENT ON COLUMN transfer_potentials.prefix_id IS 'Hash of the reader''s prompt and prefix token ids';
COMMENT ON COLUMN transfer_potentials.n_tokens IS 'The reader''s tokens of the prefix';
COMMENT ON COLUMN transfer_potentials.leaks_answer IS 'The gold answer is in the given text';
COMMENT ON COLUMN transfer_potentials.n IS 'Scored rollouts: correct, incorrect, no_answer and truncated. 0 or NULL: nothing known';
COMMENT ON COLUMN transfer_potentials.n_truncated IS 'Rollouts cut off by the token budget before an answer';
COMMENT ON COLUMN transfer_potentials.n_unscored IS 'Rollouts that the grader failed on; not in n';
COMMENT ON COLUMN transfer_potentials.potential IS 'n_correct / n; NULL exactly where n is 0 or unknown';
COMMENT ON COLUMN transfer_potentials.ci_low IS 'Lower end of the 95% Jeffreys interval';
COMMENT ON COLUMN transfer_potentials.ci_high IS 'Upper end of the 95% Jeffreys interval';
