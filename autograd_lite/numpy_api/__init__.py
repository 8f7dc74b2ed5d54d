"""What NumPy composes, composed of ops: no rules here, since the ops' own follow through.

Where NumPy's own code is such a composition, that is run (`ops.define.numpys`).

Each function bears NumPy's name, and is what ``np.f`` of a Tensor calls.
"""
