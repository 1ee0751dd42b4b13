CREATE TABLE IF NOT EXISTS grades (
    answer         VARCHAR NOT NULL,
    gold_answer    VARCHAR NOT NULL,
    answer_kind    VARCHAR NOT NULL,
    grader_version VARCHAR NOT NULL,
    verdict        VARCHAR NOT NULL,
    reason         VARCHAR NOT NULL,
    unit           VARCHAR,
    illegal_move   INTEGER,
    PRIMARY KEY (answer, gold_answer, answer_kind, grader_version)
);
COMMENT ON TABLE grades IS 'One row per distinct answer, gold answer and grader version.';
COMMENT ON COLUMN grades.answer IS 'Extracted answer';
COMMENT ON COLUMN grades.gold_answer IS 'Correct answer, or problems.judged_by where that is given';
COMMENT ON COLUMN grades.answer_kind IS 'How the gold answer is read; see problems.answer_kind';
COMMENT ON COLUMN grades.grader_version IS 'Version of grader and its libraries';
COMMENT ON COLUMN grades.verdict IS 'correct, incorrect or unscored';
COMMENT ON COLUMN grades.unit IS 'Unit that only one of the two has: correct for problems whose statement names it';
COMMENT ON COLUMN grades.illegal_move IS 'Of a list of moves: the number of the first that breaks a rule, from 1 on; NULL: there is none, or no puzzle of this package';
COMMENT ON COLUMN grades.reason IS 'How it was decided, or why it could not be';
