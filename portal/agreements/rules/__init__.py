"""Pure words and functions: kinds, workflows, and when two outcomes are one."""
