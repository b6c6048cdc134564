# Sourced by the other scripts: where things are. Nothing here does any work.
FOVEA_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
FOVEA_CACHE=${FOVEA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fovea}
FOVEA_BUILD=${FOVEA_BUILD:-$FOVEA_ROOT/build}
FOVEA_ONNX_VERSION=$(sed -n 's/^onnx==//p' "$FOVEA_ROOT/scripts/requirements.txt")
FOVEA_ONNX=$FOVEA_CACHE/onnx-$FOVEA_ONNX_VERSION
FOVEA_PYTHON=$FOVEA_CACHE/venv/bin/python

# say SCRIPT-STYLE lines, so that a long log shows which step is talking.
say() { printf '%s: %s\n' "$(basename "$0")" "$*"; }
die() {
  printf '%s: error: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}
