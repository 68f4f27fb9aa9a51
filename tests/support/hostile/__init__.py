"""Input that nobody should hand over, and the processes that take it; `run.py` says how to start them."""
