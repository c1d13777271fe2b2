#!/usr/bin/env bash
# Run the Spark tests. PySpark is no dependency of the project: it goes into an environment of its own, .venv/spark, that sees
# .venv's packages and leaves them alone. Needs .venv (make env) and Java 17 or 21; says so and succeeds without Java,
# unless SEGMENT_LAB_SPARK is "required".
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v java >/dev/null 2>&1; then
  echo "skipped: Spark needs Java 17 or 21 (Debian: apt-get install openjdk-17-jre-headless)"
  [ "${SEGMENT_LAB_SPARK:-}" != required ]
  exit
fi
spark=.venv/spark
if ! "$spark/bin/python" -c "import pyspark; assert pyspark.__version__.startswith('4.')" 2>/dev/null; then
  .venv/bin/python -m venv --clear "$spark"
  packages='import sysconfig; print(sysconfig.get_path("purelib"))'
  echo "import site; site.addsitedir('$(.venv/bin/python -c "$packages")')" \
    > "$("$spark/bin/python" -c "$packages")/shared.pth"
  "$spark/bin/python" -m pip install --quiet --disable-pip-version-check "pyspark>=4.0,<4.4"
fi
SEGMENT_LAB_SPARK=required "$spark/bin/python" -m pytest -q tests/warehouse/test_spark.py "$@"
