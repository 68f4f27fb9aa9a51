"""The report: one page, in one file, that says what rows come to; it needs the extra `report`."""
