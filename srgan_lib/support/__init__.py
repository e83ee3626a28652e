"""What the whole library stands on: files, devices, progress, recorded GPU work, text as tables."""
