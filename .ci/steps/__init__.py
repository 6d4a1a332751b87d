"""The build steps: Python, environment, weights, demo, tests. Standard library only."""
