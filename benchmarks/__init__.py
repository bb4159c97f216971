"""Measures redracer against the real redis-server, both in the same run: `python -m benchmarks`.

On a shared machine wall-clock figures are noise, so the figures to steer by are CPU time per operation (which
the kernel counts), instructions per operation (which callgrind counts), and resident bytes. Rounds alternate
between the servers, and medians over the rounds are reported. The parts: `servers` starts and reads a server,
`wire` talks to it, `workloads` lists what is measured; `throughput`, `instructions`, `memory`, `pauses` and
`startup` each measure one thing; `results` keeps what was measured, `tables` and `chart` show it.
"""
