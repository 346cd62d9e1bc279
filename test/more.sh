#!/usr/bin/env bash
# The part of `make test-more` that needs Jupyter and a browser. VENV names the virtual environment
# with test/requirements.txt; bin/fastnb is built.
set -euo pipefail
cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$tmp"' EXIT
export FASTNB_OFFLINE=1 FASTNB_HOME=$tmp/home JUPYTER_DATA_DIR=$tmp/jupyter JUPYTER_CONFIG_DIR=$tmp/config JUPYTER_RUNTIME_DIR=$tmp/runtime
export PATH=$VENV/bin:$PATH
node=$(command -v node)
mkdir -p "$JUPYTER_CONFIG_DIR/labconfig"
echo '{"@jupyterlab/apputils-extension:notification": {"checkForUpdates": false, "fetchNews": "false"}}' >"$JUPYTER_CONFIG_DIR/labconfig/default_setting_overrides.json"
bin/fastnb kernel install --prefix "$VENV"

echo '== Jupyter kernel test'
python test/jupyter/kernel_test.py

echo '== stock gophernotes beside ours'
python test/jupyter/oracle.py out/oracle/gophernotes bin/fastnb

echo '== start, stop and random messages, over tcp and ipc'
python test/soak.py bin/fastnb --cycles 10 --seconds 20 --seed 1
python test/soak.py bin/fastnb --cycles 3 --seconds 10 --seed 2 --transport ipc

echo '== 2,000 steps of training'
test/soak_steps.sh bin/fastnb

echo '== training that is interrupted at random moments'
python test/soak_train.py bin/fastnb --seconds 20 --seed 3

echo '== files for docker, Binder and conda'
python test/places.py

echo '== a wheel, in an environment of its own'
make --no-print-directory wheel WHEELS="$(go env GOOS)/$(go env GOARCH)" >/dev/null
wheel=$(ls -t dist/fastnb-*.whl | head -1)
python test/wheel.py bin/fastnb "$wheel"

echo '== nbconvert --execute'
mkdir -p "$tmp/nb" out
python test/jupyter/small.py notebooks/lesson3-planet.ipynb "$tmp/nb/planet.ipynb"
jupyter nbconvert --to notebook --execute --ExecutePreprocessor.timeout=600 --output executed.ipynb "$tmp/nb/planet.ipynb"
python test/jupyter/valid.py "$tmp/nb/executed.ipynb" notebooks/*.ipynb

echo '== JupyterLab in a browser'
(cd test/browser && npm install --silent --no-audit --no-fund)
echo "== VS Code's way of starting a kernel"
timeout 300 "$node" test/browser/vscode.js "$VENV/share/jupyter/kernels/fastnb"

# lab BIN FOLDER: JupyterLab of an environment, on a folder of notebooks; its port is then $port, its process $lab
lab() {
  port=$(python -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
  "$1/jupyter-lab" --allow-root --no-browser --ip=127.0.0.1 --port="$port" --IdentityProvider.token= --ServerApp.root_dir="$2" >"$tmp/lab.log" 2>&1 &
  lab=$!
  for _ in $(seq 120); do curl -sf "http://127.0.0.1:$port/api/status" >/dev/null && break; sleep 0.5; done
}
mkdir -p out/browser
# walk SECONDS SCRIPT ARGS…: one of the tests of test/browser against that JupyterLab
walk() {
  once() { timeout "$1" "$node" "test/browser/$2" "http://127.0.0.1:$port" "${@:3}"; }
  once "$@" || { echo 'once more: a loaded machine can drop a click'; once "$@"; } || { tail -50 "$tmp/lab.log"; exit 1; }
}
lab "$VENV/bin" "$tmp/nb"
walk 300 kernel.js out/browser
kill "$lab"

echo '== the pages of fastnb serve in the browser'
FASTNB_SERVE_EXPORTS=$tmp/exports go test -count 1 -run TestExports ./serve
(cd "$tmp/exports" && exec "$OLDPWD/bin/fastnb" serve colours.fastnb labels.fastnb masks.fastnb points.fastnb texts.fastnb writer.fastnb --addr 127.0.0.1:0 --flag "$tmp/flags" --quiet >"$tmp/serve.out") &
for _ in $(seq 120); do grep -q '^serving at' "$tmp/serve.out" && break; sleep 0.5; done
timeout 600 node test/browser/serve.js "$(sed -n 's/^serving at //p' "$tmp/serve.out")" out/browser "$tmp/flags"

echo '== the page of a notebook in the browser'
bin/fastnb nb run --html "$tmp/page.html" test/browser/page.ipynb

echo '== the first hour: the wheel in a fresh environment, a lesson cell by cell, pictures of one'"'"'s own'
python -m venv "$tmp/hour"
"$tmp/hour/bin/pip" install -q $(grep -E '^(jupyterlab|nbconvert)==' test/requirements.txt) "$wheel"
mkdir "$tmp/desk"
python test/jupyter/small.py notebooks/lesson3-planet.ipynb "$tmp/desk/planet.ipynb"
python test/jupyter/small.py notebooks/your-own-data.ipynb "$tmp/desk/own.ipynb" items=0 size=48 epochs=2
bin/fastnb data sample bears "$tmp/mine" -n 48 >/dev/null
(
  unset VIRTUAL_ENV JUPYTER_PATH # what is there of fastnb, the wheel brought
  export PATH=$tmp/hour/bin:/usr/bin:/bin HOME=$tmp/student JUPYTER_DATA_DIR=$tmp/student/jupyter
  lab "$tmp/hour/bin" "$tmp/desk"
  trap 'kill "$lab"' EXIT
  walk 600 first.js out/browser "$tmp/page.html"
  walk 600 lesson.js planet.ipynb own.ipynb "$tmp/mine" out/browser
)
echo 'test-more: all passed'
