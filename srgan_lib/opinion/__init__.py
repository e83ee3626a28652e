"""The opinion test of the paper's section 3.3: plan it, rate, analyse, and simulate raters for teaching."""
