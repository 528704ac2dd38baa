"""Stores with other channels, rates or shares of an epoch, streamed together."""
