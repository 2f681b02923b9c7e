"""Recipes of the sound selector, and the script that makes training material from public packages."""
