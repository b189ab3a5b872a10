"""What a cache still recalls at so many bytes, on a model whose weights are written by formula."""
