"""Entries of foreign models: ONNX graphs, Hugging Face classifiers, tables of toolkits."""
