CREATE VIEW jumps AS
SELECT
    problem_set, model, problem_id, trace_id, cut_policy, cut_index, char_end - char_start AS n_characters,
    token_end - token_start AS n_tokens, is_calculation, is_self_check, has_gold_answer, has_first_answer, protocol,
    sampling_hash AS protocol_hash
FROM steps;
COMMENT ON VIEW jumps IS 'One row per step between neighboring cuts with known potentials: what can be measured of its text. An insight that no reader can explain is a jump; these columns help to judge, and steps without an insight are there to compare with.';
COMMENT ON COLUMN jumps.cut_index IS 'The cut before the step; the pair is cut_index, cut_index + 1. Joins changes and spikes';
COMMENT ON COLUMN jumps.n_characters IS 'Length of the text, characters';
COMMENT ON COLUMN jumps.n_tokens IS 'Length of the text, tokens (words where the source has none)';
COMMENT ON COLUMN jumps.is_calculation IS 'An equality ends in it that has digits on both sides and an operation on at least one';
COMMENT ON COLUMN jumps.is_self_check IS 'A word ends in it by which the text doubts or checks itself: wait, check, verify, mistake and the like';
COMMENT ON COLUMN jumps.has_gold_answer IS 'A statement of the gold answer ends in it: boxed, right of an equals sign, after "answer is", or as a whole expression of 3 or more digits or a non-integer';
COMMENT ON COLUMN jumps.has_first_answer IS 'The first statement of the trace''s own final answer ends in it';
