"""Simulated active learning: the classes of a store answer, and strategies are compared."""

from bids_dl.annotate.simulation.simulate import Simulation, simulate_store

__all__ = ["Simulation", "simulate_store"]
