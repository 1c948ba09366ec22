#!/usr/bin/env bash
# What the action does, to be run by hand too: runs the suite on one subject, writes every report, and compares it with a
# baseline if there is one. Ends as `sessionspec run` does, or with 1 if the baseline was better.
#
#   SESSIONSPEC      the program; `sessionspec` by default
#   SUBJECT_CMD      an adapter's command line, or
#   SUBJECT_STORE    a store's name or URL
#   KNOWN_FAILURES   a file of known failures; optional
#   BASELINE         a report of an earlier run, in JSON; optional
#   REPORTS          the directory for the reports; `target/sessionspec-reports` by default
#   EXTRA            further arguments for `sessionspec run`, with spaces between
set -euo pipefail

program=${SESSIONSPEC:-sessionspec}
reports=${REPORTS:-target/sessionspec-reports}
mkdir -p "$reports"
# Whoever runs this by hand does not want to commit it.
[ -n "${REPORTS:-}" ] || echo '*' > "$reports/.gitignore"
rm -f "$reports"/report.* "$reports"/badge.svg "$reports"/diff.txt

arguments=(run --format github)
for form in json html md; do arguments+=(--report "$form=$reports/report.$form"); done
arguments+=(--report "junit=$reports/report.xml")
[ -z "${SUBJECT_CMD:-}" ] || arguments+=(--cmd "$SUBJECT_CMD")
[ -z "${SUBJECT_STORE:-}" ] || arguments+=(--store "$SUBJECT_STORE")
[ -z "${KNOWN_FAILURES:-}" ] || arguments+=(--known-failures "$KNOWN_FAILURES")
# shellcheck disable=SC2086 # these are words
[ -z "${EXTRA:-}" ] || arguments+=($EXTRA)

status=0
"$program" "${arguments[@]}" || status=$?
# Without a report there is nothing to compare or to show; the reason was printed.
[ -s "$reports/report.json" ] || exit "$((status == 0 ? 2 : status))"

"$program" badge "$reports/report.json" > "$reports/badge.svg"
if [ -n "${BASELINE:-}" ] && [ -e "$BASELINE" ]; then
    worse=0
    "$program" diff "$BASELINE" "$reports/report.json" > "$reports/diff.txt" || worse=$?
    cat "$reports/diff.txt"
    { printf '\nSince the baseline:\n\n```text\n'; cat "$reports/diff.txt"; printf '```\n'; } >> "$reports/report.md"
    [ "$status" -ne 0 ] || status=$worse
fi
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || cat "$reports/report.md" >> "$GITHUB_STEP_SUMMARY"
exit "$status"
