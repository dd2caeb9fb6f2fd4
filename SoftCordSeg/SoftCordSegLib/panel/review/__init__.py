"""The tab Review of the panel."""
