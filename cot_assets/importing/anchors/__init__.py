"""What the importer of "Thought Anchors" reads: sentences, and the rollouts at each."""
