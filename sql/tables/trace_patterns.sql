CREATE TABLE IF NOT EXISTS trace_patterns (
    problem_set                VARCHAR NOT NULL,
    model                      VARCHAR NOT NULL,
    problem_id                 VARCHAR NOT NULL,
    trace_id                   VARCHAR NOT NULL,
    cut_policy                 VARCHAR NOT NULL,
    verdict                    VARCHAR NOT NULL,
    n_cuts                     INTEGER NOT NULL,
    n_known_cuts               INTEGER NOT NULL,
    n_pairs                    INTEGER NOT NULL,
    n0                         INTEGER,
    k0                         DOUBLE,
    v0_bin                     VARCHAR,
    is_solved_without_cot      BOOLEAN,
    max_drop                   DOUBLE,
    max_rise                   DOUBLE,
    tolerance                  DOUBLE NOT NULL,
    is_monotone                BOOLEAN,
    monotone_probability       DOUBLE,
    is_monotone_confirmed      BOOLEAN,
    statistic                  DOUBLE,
    max_misfit                 DOUBLE,
    p_value                    DOUBLE,
    q_value                    DOUBLE,
    is_monotone_by_test        BOOLEAN,
    late_spike_cut             INTEGER,
    late_spike_threshold       DOUBLE,
    is_late_spike              BOOLEAN,
    late_spike_probability     DOUBLE,
    is_late_spike_confirmed    BOOLEAN,
    late_spike_bound           DOUBLE,
    lucky_guess_cut            INTEGER,
    lucky_guess_threshold      DOUBLE,
    is_lucky_guess             BOOLEAN,
    lucky_guess_probability    DOUBLE,
    is_lucky_guess_confirmed   BOOLEAN,
    lucky_guess_bound          DOUBLE,
    drawdown_from              INTEGER,
    drawdown_to                INTEGER,
    drawdown                   DOUBLE,
    drawdown_low               DOUBLE,
    drawdown_split             DOUBLE,
    drawdown_threshold         DOUBLE NOT NULL,
    is_drawdown                BOOLEAN,
    is_drawdown_confirmed      BOOLEAN,
    run_up_from                INTEGER,
    run_up_to                  INTEGER,
    run_up                     DOUBLE,
    run_up_low                 DOUBLE,
    run_up_split               DOUBLE,
    run_up_threshold           DOUBLE NOT NULL,
    is_run_up                  BOOLEAN,
    is_run_up_confirmed        BOOLEAN,
    protocol                   VARCHAR NOT NULL,
    sampling_hash              VARCHAR NOT NULL,
    analysis_hash              VARCHAR NOT NULL,
    PRIMARY KEY (trace_id, cut_policy)
);
COMMENT ON TABLE trace_patterns IS 'One row per measured trace and cut policy: what its whole curve shows. Views: monotonicity, monotone_tests, lucky_guesses, drawdowns. Guesses are judged on correct traces only, falls and rises on traces with two known cuts or more; elsewhere their columns are NULL.';
COMMENT ON COLUMN trace_patterns.verdict IS 'Verdict of the trace';
COMMENT ON COLUMN trace_patterns.n_known_cuts IS 'Of those, with rollouts';
COMMENT ON COLUMN trace_patterns.n_pairs IS 'Neighboring pairs with both ends known';
COMMENT ON COLUMN trace_patterns.n0 IS 'Rollouts at cut 0; of unequal weights, the effective number rounded down; NULL if there are none';
COMMENT ON COLUMN trace_patterns.k0 IS 'Of those, correct; whole unless they have weights';
COMMENT ON COLUMN trace_patterns.v0_bin IS 'Fixed bin of the potential at cut 0';
COMMENT ON COLUMN trace_patterns.is_solved_without_cot IS 'Potential at cut 0 is at least the protocol''s solved_threshold';
COMMENT ON COLUMN trace_patterns.max_drop IS 'Largest fall between neighboring cuts, >= 0';
COMMENT ON COLUMN trace_patterns.tolerance IS 'Drop that is tolerated';
COMMENT ON COLUMN trace_patterns.is_monotone IS 'Monotone: no estimated drop beyond the tolerance; NULL without pairs';
COMMENT ON COLUMN trace_patterns.monotone_probability IS 'Posterior probability that no true drop is beyond the tolerance (pairs taken as independent)';
COMMENT ON COLUMN trace_patterns.is_monotone_confirmed IS 'monotone_probability >= 0.95';
COMMENT ON COLUMN trace_patterns.statistic IS 'Twice the log-likelihood that the isotonic fit loses; 0 if the estimates never fall; NULL with fewer than two known cuts';
COMMENT ON COLUMN trace_patterns.p_value IS 'Largest P(statistic at least as large) over flat curves at a grid of levels; 1 if the estimates never fall';
COMMENT ON COLUMN trace_patterns.is_monotone_by_test IS 'Monotone by test: q_value >= 0.05, so of the traces that are not, at most 5% are expected to be';
COMMENT ON COLUMN trace_patterns.late_spike_cut IS 'The last measured cut of a correct trace; NULL if there is none or it has no rollouts';
COMMENT ON COLUMN trace_patterns.late_spike_threshold IS 'Potential asked to lie below; NULL unless the trace is correct';
COMMENT ON COLUMN trace_patterns.is_late_spike IS 'Potential at late_spike_cut below the threshold; NULL if unknown';
COMMENT ON COLUMN trace_patterns.late_spike_probability IS 'Posterior probability that the true potential there is below the threshold';
COMMENT ON COLUMN trace_patterns.is_late_spike_confirmed IS 'late_spike_probability >= 0.95';
COMMENT ON COLUMN trace_patterns.late_spike_bound IS 'Upper bound on P(true potential ever <= threshold | correct) at this potential at cut 0: odds ratio, at most 1';
COMMENT ON COLUMN trace_patterns.lucky_guess_cut IS 'The last cut before a correct trace states its answer; NULL if there is none or it has no rollouts';
COMMENT ON COLUMN trace_patterns.lucky_guess_threshold IS 'Potential asked to lie below; NULL unless the trace is correct';
COMMENT ON COLUMN trace_patterns.is_lucky_guess IS 'Potential at lucky_guess_cut below the threshold; NULL if unknown';
COMMENT ON COLUMN trace_patterns.lucky_guess_probability IS 'Posterior probability that the true potential there is below the threshold';
COMMENT ON COLUMN trace_patterns.is_lucky_guess_confirmed IS 'lucky_guess_probability >= 0.95';
COMMENT ON COLUMN trace_patterns.lucky_guess_bound IS 'Upper bound on P(true potential ever <= threshold | correct) at this potential at cut 0: odds ratio, at most 1';
COMMENT ON COLUMN trace_patterns.drawdown_from IS 'Cut at which the largest fall begins';
COMMENT ON COLUMN trace_patterns.drawdown_to IS 'Cut at which it ends';
COMMENT ON COLUMN trace_patterns.drawdown IS 'Size of the estimated fall, >= 0; too large on average, being the largest of many';
COMMENT ON COLUMN trace_patterns.drawdown_low IS 'Lower bound of the true largest fall, from a 95% band for all cuts together; >= 0';
COMMENT ON COLUMN trace_patterns.drawdown_split IS 'Fall between cuts chosen by one half of the rollouts and measured by the other; not too large on average; NULL where a cut has fewer than 2 rollouts';
COMMENT ON COLUMN trace_patterns.drawdown_threshold IS 'Fall asked for';
COMMENT ON COLUMN trace_patterns.is_drawdown IS 'The estimated fall is beyond the threshold';
COMMENT ON COLUMN trace_patterns.is_drawdown_confirmed IS 'drawdown_low is beyond the threshold';
COMMENT ON COLUMN trace_patterns.run_up_from IS 'Cut at which the largest rise begins';
COMMENT ON COLUMN trace_patterns.run_up_to IS 'Cut at which it ends';
COMMENT ON COLUMN trace_patterns.run_up IS 'Size of the estimated rise, >= 0; too large on average, being the largest of many';
COMMENT ON COLUMN trace_patterns.run_up_low IS 'Lower bound of the true largest rise, from a 95% band for all cuts together; >= 0';
COMMENT ON COLUMN trace_patterns.run_up_split IS 'Rise between cuts chosen by one half of the rollouts and measured by the other; not too large on average; NULL where a cut has fewer than 2 rollouts';
COMMENT ON COLUMN trace_patterns.run_up_threshold IS 'Rise asked for';
COMMENT ON COLUMN trace_patterns.is_run_up IS 'The estimated rise is beyond the threshold';
COMMENT ON COLUMN trace_patterns.is_run_up_confirmed IS 'run_up_low is beyond the threshold';
