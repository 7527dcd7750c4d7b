"""The engines that tests run on."""

COMPILED = ("interpreter",)
ENGINES = ("reference", *COMPILED)
