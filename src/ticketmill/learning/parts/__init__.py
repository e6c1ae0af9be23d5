"""The parts that models are made of: tokenizers, features and classifiers."""
