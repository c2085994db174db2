"""What is done with a fused ranking before pages are cut from it? One file a step, pure functions on an `Order`."""
