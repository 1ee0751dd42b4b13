"""What does a reader gain from a writer's text? Given texts, controls, unlocks."""
