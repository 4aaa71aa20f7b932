from apps.core.sweep import Sweep

SWEEPS: tuple[Sweep, ...] = ()
