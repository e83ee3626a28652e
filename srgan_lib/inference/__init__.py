"""A trained network at work: enlarging images of any size, fast, and as an ONNX file."""
