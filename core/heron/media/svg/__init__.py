"""SVG drawings, drawn by resvg in processes of their own."""
