"""The same loop on a cluster: observe Jobs, pods and the store, reconcile, act.

``study`` drives one experiment, ``operator`` all of them, ``foreground`` one without an
operator. Nothing that matters is held in memory: what a driver knows it can read again.
"""
