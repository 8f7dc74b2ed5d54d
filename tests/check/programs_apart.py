APART = ()
