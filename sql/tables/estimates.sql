CREATE TABLE IF NOT EXISTS estimates (
    problem_set   VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,
    other         VARCHAR NOT NULL,
    question      VARCHAR NOT NULL,
    measure       VARCHAR NOT NULL,
    statistic     VARCHAR NOT NULL,
    rule          VARCHAR NOT NULL,
    cut_policy    VARCHAR NOT NULL,
    trace_filter  VARCHAR NOT NULL,
    split_by      VARCHAR NOT NULL,
    part          VARCHAR NOT NULL,
    control       VARCHAR NOT NULL,
    leaks         VARCHAR NOT NULL,
    fraction      DOUBLE NOT NULL,
    threshold     DOUBLE NOT NULL,
    size          INTEGER NOT NULL,
    estimate      DOUBLE,
    ci_low        DOUBLE,
    ci_high       DOUBLE,
    method        VARCHAR NOT NULL,
    k             INTEGER,
    n             INTEGER NOT NULL,
    n_of          VARCHAR NOT NULL,
    n_problems    INTEGER NOT NULL,
    n_eff         DOUBLE,
    note          VARCHAR,
    protocol      VARCHAR NOT NULL,
    sampling_hash VARCHAR NOT NULL,
    analysis_hash VARCHAR NOT NULL,
    PRIMARY KEY (
        problem_set, model, other, question, measure, statistic, rule, cut_policy, trace_filter, split_by, part,
        control, leaks, fraction, threshold, size
    )
);
COMMENT ON TABLE estimates IS 'Every published number in long form: one row per question, model or pair of models, subset and statistic. Views such as pattern_rates show the numbers of one question; a subset column that plays no part in it has its neutral value: none, all, any or 0.';
COMMENT ON COLUMN estimates.model IS 'The model; the reader in transfer; the first of two models that are compared';
COMMENT ON COLUMN estimates.other IS 'The writer in transfer; the second of two models that are compared; none where there is one model only';
COMMENT ON COLUMN estimates.question IS 'Named query or view that shows the number. What one computation replaces: the rows of a problem set and a question, and of a model where models are not compared';
COMMENT ON COLUMN estimates.measure IS 'What is estimated: a pattern, accuracy, v0, potential, lift, ...';
COMMENT ON COLUMN estimates.statistic IS 'share, mean, median, a quantile, fitted share, correlation; in comparisons mean (of the model, of the searched traces, of the writer''s text), reference (what it is compared with) and difference (mean - reference, paired); matched_mean and so on: at like V0; noise_flat, noise_monotone: what noise alone gives';
COMMENT ON COLUMN estimates.rule IS 'By which rule: threshold (the paper''s), varied (the same with another threshold), confirmed, tolerance, test, test_fdr, fitted, plain, split, estimate, kept (guesses count as correct), late_spike or lucky_guess (these guesses count as incorrect); none where no rule plays a part';
COMMENT ON COLUMN estimates.cut_policy IS 'Where traces are cut: tokens, lines or sentences; adaptive for these cuts and the places that exploration found; grid21 for the 21-point grid of an imported fine curve; any where cuts play no part';
COMMENT ON COLUMN estimates.part IS 'Which part of the split; all where there is none; equal weights for the mean over all parts';
COMMENT ON COLUMN estimates.control IS 'none: the writer''s own text; or shuffled, wrong, own: another text of equal length';
COMMENT ON COLUMN estimates.leaks IS 'kept, or dropped: without rows whose text holds the gold answer';
COMMENT ON COLUMN estimates.fraction IS 'Share of the writer''s trace that was given; 0 elsewhere';
COMMENT ON COLUMN estimates.threshold IS 'Threshold of the rule where several are tried; 0 elsewhere';
COMMENT ON COLUMN estimates.size IS 'Rollouts per cut that the rates rest on where several numbers are tried, k of pass@k; 0 elsewhere';
COMMENT ON COLUMN estimates.estimate IS 'The number; NULL where there is nothing to estimate it from, or where a note says why';
COMMENT ON COLUMN estimates.ci_low IS 'Lower end of its 95% interval, clustered by problem; NULL where it has none';
COMMENT ON COLUMN estimates.ci_high IS 'Upper end of it';
COMMENT ON COLUMN estimates.method IS 'How the interval was made: jeffreys (at the effective sample size), bootstrap (of whole problems), woodruff, jackknife, mover (from the intervals of its parts); none without one';
COMMENT ON COLUMN estimates.k IS 'Of n: how many have it; NULL where the number is not a share';
COMMENT ON COLUMN estimates.n IS 'What it rests on, in units of n_of';
COMMENT ON COLUMN estimates.n_of IS 'What n counts: traces, problems, cuts, steps (pairs of neighboring cuts), events, tangents, chunks or bins';
COMMENT ON COLUMN estimates.n_problems IS 'Problems that these belong to';
COMMENT ON COLUMN estimates.n_eff IS 'Effective sample size of a share, for clustering by problem';
COMMENT ON COLUMN estimates.note IS 'Why a number is withheld, or what to bear in mind';
COMMENT ON COLUMN estimates.sampling_hash IS 'Hash of the protocol''s sampling settings';
COMMENT ON COLUMN estimates.analysis_hash IS 'Hash of the protocol''s analysis settings';
