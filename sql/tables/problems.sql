CREATE TABLE IF NOT EXISTS problems (
    problem_set VARCHAR NOT NULL,
    problem_id  VARCHAR NOT NULL,
    statement   VARCHAR NOT NULL,
    prompt      VARCHAR NOT NULL,
    gold_answer VARCHAR NOT NULL,
    judged_by   VARCHAR,
    answer_kind VARCHAR NOT NULL,
    gold_reading VARCHAR,
    level       VARCHAR,
    subject     VARCHAR,
    source      VARCHAR NOT NULL,
    revision    VARCHAR NOT NULL,
    chosen      VARCHAR,
    PRIMARY KEY (problem_set, problem_id)
);
COMMENT ON TABLE problems IS 'One row per problem: the question and its gold answer.';
COMMENT ON COLUMN problems.statement IS 'The question as the data set has it';
COMMENT ON COLUMN problems.prompt IS 'The statement within the problem set''s prompt; what a model''s template receives';
COMMENT ON COLUMN problems.gold_answer IS 'The correct answer';
COMMENT ON COLUMN problems.judged_by IS 'What a verifier or tests judge answers with, as JSON; NULL: they are compared with the gold answer';
COMMENT ON COLUMN problems.answer_kind IS 'How answers are judged: expression (compared, as what the gold answer is), another kind that the set declares, verifier or code';
COMMENT ON COLUMN problems.gold_reading IS 'The gold answer as the grader reads it: its kind and value';
COMMENT ON COLUMN problems.source IS 'Where the problem came from';
COMMENT ON COLUMN problems.revision IS 'Revision of the source';
COMMENT ON COLUMN problems.chosen IS 'How the set''s problems were chosen from the source, so that rates are of such problems; NULL: they were not';
