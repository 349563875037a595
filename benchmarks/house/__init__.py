"""What all benchmarks share: their shape, measuring, environments of peers, results, tables and pictures."""
