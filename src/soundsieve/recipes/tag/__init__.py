"""Experiments with classifiers."""
