"""What a store must survive: kills, power loss, damage, strangers.

================ ====================================================================
``children``     runs a function in a forked child; a signal that ends it is a finding
``workload``     a seeded stream of writes, each announced before and acknowledged after
``expected``     what a store must hold after the acknowledged writes
``crash``        kills writers at random moments (``python -m tests.trust.crash``)
``recorder.c``   notes every write and sync of a process, preloaded into it
``recording``    compiles and runs the recorder, and reads its notes
``power_loss``   builds what a disk may hold after a power loss, and opens it
``damage``       damages files and tells right answers, refusals and wrong answers apart
================ ====================================================================
"""
