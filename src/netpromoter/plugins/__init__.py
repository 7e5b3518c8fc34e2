"""Where pluggy lives: the ports, the hooks and the manager."""
