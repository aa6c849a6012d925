"""Entries around foreign models: ONNX graphs, Hugging Face classifiers, tables of toolkits."""
