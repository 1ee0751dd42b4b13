"""When to materialize what: partitions, jobs, fingerprints, the sensor and the schedule.

Belongs here: decisions about runs. Does not belong here: the assets themselves
(:mod:`cot_assets.measures`), which import this package's partitions and fingerprints; nothing here
imports them, jobs select assets by name.
"""
