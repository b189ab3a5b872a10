"""The engines that are compared, a file a library or kind of index."""
