"""The paper's tables, as CSV and LaTeX."""
