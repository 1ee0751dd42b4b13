CREATE TABLE IF NOT EXISTS answer_entropy (
    problem_set   VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,
    prefix_id     VARCHAR NOT NULL,
    n             INTEGER NOT NULL,
    n_answers     INTEGER NOT NULL,
    entropy       DOUBLE NOT NULL,
    ci_low        DOUBLE NOT NULL,
    ci_high       DOUBLE NOT NULL,
    top_answer    VARCHAR,
    top_rollouts  INTEGER NOT NULL,
    is_top_correct BOOLEAN NOT NULL,
    protocol      VARCHAR NOT NULL,
    sampling_hash VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model, prefix_id)
);
COMMENT ON TABLE answer_entropy IS 'One row per prefix with rollouts: how open its final answer is. A step can gain only what was open before it.';
COMMENT ON COLUMN answer_entropy.model IS 'Model that was sampled (the reader)';
COMMENT ON COLUMN answer_entropy.prefix_id IS 'The prefix that was continued';
COMMENT ON COLUMN answer_entropy.n IS 'Scored rollouts of the prefix';
COMMENT ON COLUMN answer_entropy.n_answers IS 'Distinct answers among them; no answer counts as one';
COMMENT ON COLUMN answer_entropy.entropy IS 'Entropy of the answers in bits, with Miller and Madow''s correction; 0: always the same answer';
COMMENT ON COLUMN answer_entropy.top_answer IS 'The most frequent answer; NULL: none was given most often';
COMMENT ON COLUMN answer_entropy.top_rollouts IS 'Rollouts with it';
COMMENT ON COLUMN answer_entropy.is_top_correct IS 'Whether it is the gold answer';
