"""The miniature CLIP of Heron's drawn scenes: its pictures, its language, its training, its export, its quality."""
