"""What a person sees and does while a command runs: progress, stopping, and what matters at its end.

Belongs here: what several commands that run partitions share. Does not belong here: the commands themselves.
"""
