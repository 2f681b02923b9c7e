"""Protocols that say how good a model is, and reports that print the protocol beside the numbers."""
