"""Training of members: loop, steps, several GPUs, DINO and the linear classifier."""
