"""Alloy in IPython and Jupyter."""
