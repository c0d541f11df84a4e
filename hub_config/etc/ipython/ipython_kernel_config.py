"""What every kernel inside the walls reads first, as /etc/ipython/ipython_kernel_config.py."""

from csirtlab.hub.kernels import keep_off_the_network

keep_off_the_network()
