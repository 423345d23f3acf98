"""Fusers: several rankings to one."""
