CREATE TABLE IF NOT EXISTS import_notes (
    problem_set   VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,
    problem_id    VARCHAR NOT NULL,
    note          VARCHAR NOT NULL,
    source        VARCHAR NOT NULL,
    protocol      VARCHAR NOT NULL,
    sampling_hash VARCHAR NOT NULL,
    PRIMARY KEY (problem_set, model, problem_id, note)
);
COMMENT ON TABLE import_notes IS 'What to know of rollouts that others published before their numbers are used: one row per note.';
COMMENT ON COLUMN import_notes.model IS 'Name of the imported model';
COMMENT ON COLUMN import_notes.problem_id IS 'Problem whose trace it is about; empty: all problems of the model';
COMMENT ON COLUMN import_notes.note IS 'The note, in words';
COMMENT ON COLUMN import_notes.source IS 'Which collection the rollouts come from';
