"""The paper's tests, each a plain function."""
