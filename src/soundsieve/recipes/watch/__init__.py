"""Recipes of `watch`, and the script that makes videos with true tracks out of public pictures and sounds."""
