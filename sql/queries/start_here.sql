-- Where to begin: what is in these results, and which query answers which question?
SELECT step, look_at, what
FROM (
    VALUES
    (1, 'difficulty', 'how hard the problems are for each model, by level and subject'),
    (2, 'pattern_table', 'how often traces have insights, tangents and guesses, with intervals'),
    (3, 'largest_insights', 'the steps after which the potential rises most, with their text'),
    (4, 'trace', 'one trace piece by piece (-p trace_id=...), with the potential after each piece'),
    (5, 'answer_distribution', 'which answers were still open at each cut of it'),
    (6, 'transfer', 'what a reader gains from the beginning of another model''s trace'),
    (7, 'early_stop', 'what stopping early would save; no_return: where traces are lost'),
    (8, 'training_curve', 'how checkpoints of one training compare'),
    (9, 'sampling_quality', 'whether the rollouts can be trusted: truncated, empty, without an answer')
) AS guide (step, look_at, what)
ORDER BY step;
