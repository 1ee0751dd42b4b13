"""What happens on a curve? Steps, tangents, spikes, lucky guesses, monotonicity, drawdowns."""
