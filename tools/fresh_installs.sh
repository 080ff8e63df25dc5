#!/usr/bin/env bash
# Install the wheel into an empty environment of each Python, check it, and make a video: seconds and size of each.
#
#     make wheel && tools/fresh_installs.sh dist/rhapsode-*.whl face.jpg speech.wav python3.10 python3.11 python3.12 python3.13
#
# Needs a package registry. Everything is made below one folder of /tmp, which goes again.
set -euo pipefail
wheel=$(realpath "$1") portrait=$(realpath "$2") voice=$(realpath "$3")
shift 3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export RHAPSODE_CACHE=off
unset PYTHONPATH
cd "$folder"
echo "### Fresh environments"
echo
echo "\`pip install\` of the wheel into an empty environment, \`rhapsode doctor\`, and a video: seconds, and size of the"
echo "environment (\`tools/fresh_installs.sh\`, $(date +%F), $(nproc) cores, load $(cut -d ' ' -f 1 /proc/loadavg) at the start)."
echo
echo "| Python | install, s | size, MB | doctor, s | video, s | frames | NumPy | OpenCV | PyAV | ONNX Runtime |"
echo "|---|---|---|---|---|---|---|---|---|---|"
for python in "$@"; do
    "$python" -m venv environment
    pip() { environment/bin/python -m pip --disable-pip-version-check --quiet "$@" 2>>pip.log; }
    began=$(date +%s)
    pip install "$wheel"
    installed=$(date +%s)
    environment/bin/rhapsode doctor >doctor.txt
    checked=$(date +%s)
    environment/bin/rhapsode animate --portrait "$portrait" --audio "$voice" --out out.mp4 --json >facts.json 2>/dev/null
    made=$(date +%s)
    environment/bin/python - "$((installed - began))" "$((checked - installed))" "$((made - checked))" <<'REPORT'
import json, platform, sys
from importlib.metadata import version
from pathlib import Path

install, doctor, video = sys.argv[1:]
size = sum(file.lstat().st_size for file in Path("environment").rglob("*")) / 1e6
facts = json.loads(Path("facts.json").read_text())
names = ("numpy", "opencv-python-headless", "av", "onnxruntime")
cells = [platform.python_version(), install, f"{size:.0f}", doctor, video, str(facts["frames"]), *map(version, names)]
print(f"| {' | '.join(cells)} |")
REPORT
    rm -rf environment out.mp4
done
