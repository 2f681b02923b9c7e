"""Training: the bridge from recipes, mixtures and models to Lightning; needs the `train` extra."""
