"""Metal on its way from mine to buyer: array kernels."""
