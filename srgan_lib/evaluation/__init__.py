"""Measuring as the paper does, the record of what was measured, and the paper's tables beside it."""
