"""Human association: which words a cue calls to mind; run as ``python -m benches.association --data DIR``."""
