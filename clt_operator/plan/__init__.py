"""Planning: spec and lock become a graph of steps with keys. Pure: no I/O, clock or chance.

``check`` finds every mistake, ``sweeps`` expands grids to points, ``sources`` turns data into
rows and tokens, ``trainings`` gives a point its training, ``evaluations`` its cells, ``build``
puts them together, ``predict`` says what it will cost.
"""
