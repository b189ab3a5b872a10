"""Similarity, selection and activation on a GPU, against the matrix product alone and against libraries."""
