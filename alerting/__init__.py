"""Warnings of heavy pollution, alerts by rule, orders to enterprises: decided, sent, acknowledged, verified."""
