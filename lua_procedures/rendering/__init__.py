"""Runs, questions and notices as text and as plain HTML; knows no notebook."""
