"""What one request asks of the store, and what of it the caller may know.

A measure is computed anew for each caller, over the facts that caller may see, and only for one who
may see every kind of record that it reads: what is withheld looks like what does not exist, and a
gap that rests on a labelled record is as closed as that record.
"""
