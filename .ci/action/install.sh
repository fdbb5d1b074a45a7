#!/usr/bin/env bash
# Installs vendorsim into an environment of its own, so that the project's packages stay as they are.
set -euo pipefail

fail() {
  echo "::error title=vendorsim::$1"
  exit 2
}

# What is no version or name must not reach pip, where it could be an option.
[[ "$INPUT_VERSION" =~ ^([0-9][0-9A-Za-z.+!-]*)?$ ]] || fail "the input version is not a version, such as 1.0.0"
[[ "$INPUT_EXTRAS" =~ ^([a-z]+(,[a-z]+)*)?$ ]] || fail "the input extras is not a list of names, such as fuzz,postgres"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  || fail "vendorsim needs Python 3.11 or newer as python3: put actions/setup-python before this step"

extras="${INPUT_EXTRAS:+[$INPUT_EXTRAS]}"
package="$GITHUB_ACTION_PATH$extras"
[ -z "$INPUT_VERSION" ] || package="vendorsim$extras==$INPUT_VERSION"
python3 -m venv "$RUNNER_TEMP/vendorsim"
bin="$RUNNER_TEMP/vendorsim/bin"
[ -d "$bin" ] || bin="$RUNNER_TEMP/vendorsim/Scripts" # Windows
"$bin/python" -m pip install --quiet --disable-pip-version-check "$package"
"$bin/vendorsim" --version
