"""One run: the only place where Lua, journal and people meet.

``driver`` resumes the program and dispatches what it asks; ``ledger`` answers from the journal or records;
``people`` asks; ``hosting`` is what Lua calls without suspending; ``signals`` makes the stop button work.
"""
