"""Review of masks: cases, verdicts, corrections, second readings, exchange, teaching."""
