"""Weights of the embedded model: what there is, where it lies, how it gets here whole."""
