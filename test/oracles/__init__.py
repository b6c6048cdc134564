"""What the compiled models should compute: NumPy in float64, independent of the compiler and of onnx.reference."""
