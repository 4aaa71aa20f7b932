"""Strict JSON, tabular parsing, text, errors, HTTP helpers, wake, clock. No models."""
