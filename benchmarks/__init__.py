"""Re-runnable measurements: `python -m benchmarks` runs all, `python -m benchmarks.NAME` one."""
