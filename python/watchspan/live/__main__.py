"""What Streamlit runs for each visitor, and again whenever something changes."""

from watchspan.live.page import show
from watchspan.live.serving import asked

show(asked())
