"""Run records: the state of a run at one moment, as frozen models, and what keeps them in a store."""
