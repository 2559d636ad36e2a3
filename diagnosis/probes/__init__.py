"""The probes: the embeddings, the model, its layers, its loss or its similarity with one thing changed."""
