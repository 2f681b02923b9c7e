"""Recipes for separating songs, and the scripts that render songs to learn from."""
