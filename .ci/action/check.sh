#!/usr/bin/env bash
# Runs the check, writes the reports, the job's summary, annotations and outputs, and exits as the check did.
set -uo pipefail

bin="$RUNNER_TEMP/vendorsim/bin"
[ -d "$bin" ] || bin="$RUNNER_TEMP/vendorsim/Scripts" # Windows
reports="$INPUT_REPORTS"
mkdir -p "$reports" || exit 2
rm -f "$reports"/vendorsim.{xml,sarif,html,json,md,github.txt}

arguments=(check --vendor "$INPUT_VENDOR")
[ -z "$INPUT_PROFILE" ] || arguments+=(--profile "$INPUT_PROFILE")
[ -z "$INPUT_TARGET" ] || arguments+=(--to "$INPUT_TARGET")
[ -z "$INPUT_START" ] || arguments+=(--start "$INPUT_START")
[ -z "$INPUT_WAIT" ] || arguments+=(--wait "$INPUT_WAIT")
for kind in xml sarif html json md github.txt; do
  arguments+=(--report "$reports/vendorsim.$kind")
done
# Splits as a shell does, and expands nothing.
split='import os, shlex; print(*(f"{word}\0" for word in shlex.split(os.environ["INPUT_OPTIONS"])), sep="", end="")'
words="$RUNNER_TEMP/vendorsim-options"
if ! "$bin/python" -c "$split" > "$words" 2> "$words.error"; then
  echo "::error title=vendorsim::the input options can't be split: $(tail -n 1 "$words.error")"
  exit 2
fi
while IFS= read -r -d '' word; do arguments+=("$word"); done < "$words"

# What a target answers must not begin a workflow command.
token="vendorsim-$RANDOM$RANDOM$RANDOM"
echo "::stop-commands::$token"
"$bin/vendorsim" "${arguments[@]}"
code=$?
echo "::$token::"

if [ -s "$reports/vendorsim.md" ]; then
  cat "$reports/vendorsim.md" >> "$GITHUB_STEP_SUMMARY"
else
  echo "## ⚠️ vendorsim: nothing was checked (exit code $code); the log of the step says why" >> "$GITHUB_STEP_SUMMARY"
fi
if [ "$INPUT_ANNOTATIONS" = true ] && [ -s "$reports/vendorsim.github.txt" ]; then
  cat "$reports/vendorsim.github.txt"
fi
verdict=""
if [ -s "$reports/vendorsim.json" ]; then
  verdict="$("$bin/python" -c 'import json, sys; print(json.load(open(sys.argv[1], "rb"))["verdict"])' "$reports/vendorsim.json")"
fi
{
  echo "verdict=$verdict"
  echo "exit-code=$code"
  echo "junit=$reports/vendorsim.xml"
  echo "sarif=$reports/vendorsim.sarif"
} >> "$GITHUB_OUTPUT"
exit "$code"
