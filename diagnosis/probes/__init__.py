"""What a suspect tries: the embeddings, the model, its layers, its loss or its similarity, changed in one thing."""
