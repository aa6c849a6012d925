"""Models of others as entries: ONNX, Hugging Face, tables of toolkits."""
