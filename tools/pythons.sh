#!/usr/bin/env bash
# Installs the project with each supported version of Python that is at hand, and runs the tests of
# the machine, the languages and the book; at last the wheel, in an environment of its own. A version
# that is missing is told, and makes the script fail only if none was found.
#
#     tools/pythons.sh [PYTEST ARGUMENTS]
set -euo pipefail
cd "$(dirname "$0")/.."
VERSIONS="3.11 3.12 3.13"
TESTS=(tests/isa tests/machine/test_guest_scripts.py tests/machine/test_vectors.py tests/book
    tests/tools/test_lasm_language.py tests/batch/test_batch.py)
found=0
folder=""
for version in $VERSIONS; do
    if ! "python$version" --version >/dev/null 2>&1; then
        echo "Python $version: not here" >&2
        continue
    fi
    found=1
    folder="build/pythons/$version"
    test -x "$folder/bin/python" || "python$version" -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check -e '.[dev]'
    echo "Python $("$folder/bin/python" --version | cut -d' ' -f2):"
    "$folder/bin/python" -m pytest -q -n 2 -m "not slow" "${@:-${TESTS[@]}}"
    "$folder/bin/lrvm" run examples/hello_world/hello_world.lasm
done
test "$found" = 1

# The wheel alone, in an environment of its own, away from the checkout.
rm -rf build/pythons/clean build/pythons/dist
"$folder/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-deps -w build/pythons/dist .
"$folder/bin/python" -m venv build/pythons/clean
root="$PWD/build/pythons"
"$root/clean/bin/python" -m pip install --quiet --disable-pip-version-check "$(echo "$root"/dist/*.whl)[tools]"
cp examples/hello_world/hello_world.lasm "$root/clean"
(cd "$root/clean" && bin/lrvm run hello_world.lasm && bin/lrvm bench loop -n 1 -e auto)
