"""The paper's tables beside ours, as a document."""
