"""Training of members: the loop, a step, several GPUs, DINO and the linear classifier."""
