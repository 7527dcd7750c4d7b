Repeats its input

,[.,]
