"""Recipes for separating songs, and the songs that are rendered for it."""
