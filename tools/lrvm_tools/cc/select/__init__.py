"""Selection: IR to machine instructions on virtual registers, wide and odd integers included."""
