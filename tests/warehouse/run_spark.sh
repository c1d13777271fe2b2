#!/usr/bin/env bash
# Run the Spark tests beside .venv without changing it: an environment of its own that sees .venv's packages and adds pyspark.
# Usage: tests/warehouse/run_spark.sh [folder of that environment]. Needs Java 17; says so and succeeds where it is absent.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v java >/dev/null 2>&1; then echo "skipped: Spark needs Java 17"; exit 0; fi
extra=${1:-${TMPDIR:-/tmp}/segment_lab_spark}
if ! "$extra/bin/python" -c "import pyspark" 2>/dev/null; then
  .venv/bin/python -m venv "$extra"
  packages='import sysconfig; print(sysconfig.get_path("purelib"))'
  echo "import site; site.addsitedir('$(.venv/bin/python -c "$packages")')" \
    > "$("$extra/bin/python" -c "$packages")/shared.pth"
  "$extra/bin/python" -m pip install --quiet --disable-pip-version-check "pyspark>=4.0,<4.1"
fi
"$extra/bin/python" -m pytest -q tests/warehouse/test_spark.py
