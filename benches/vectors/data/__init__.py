"""The vectors that are searched: embeddings of real texts, or made up from a seed."""
