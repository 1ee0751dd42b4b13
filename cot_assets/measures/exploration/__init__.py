"""Where does the potential change? Adaptive sampling."""
