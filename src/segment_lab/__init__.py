"""segment_lab: which customers to serve how, which segmentation deserves trust, whether the strategy worked."""
