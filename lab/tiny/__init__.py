"""Making the tiny model: training a VAE and a transformer of Wan2.1-VACE's classes, small enough for a CPU."""
