"""A wheel in a clean environment gives a working kernel; pip takes the wheel of each platform for that platform only.

usage: wheel.py FASTNB WHEEL   (FASTNB: the program that packs, WHEEL: of this machine's platform)
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv

fastnb, wheel = sys.argv[1:]
# What machines of each platform say they take, as pip is told it.
MACHINES = {
    "linux/amd64": "manylinux_2_17_x86_64", "linux/arm64": "manylinux_2_17_aarch64",
    "darwin/amd64": "macosx_12_0_x86_64", "darwin/arm64": "macosx_12_0_arm64", "windows/amd64": "win_amd64",
}


def run(*args, **kw):
    return subprocess.run(args, check=True, text=True, capture_output=True, **kw).stdout


def accepted(python, folder, platform):
    tags = ["--platform", MACHINES[platform]] if "manylinux" not in MACHINES[platform] else ["--platform", MACHINES[platform], "--platform", MACHINES[platform].replace("_2_17", "2014")]
    p = subprocess.run([python, "-m", "pip", "download", "-q", "--no-index", "--no-deps", "--find-links", folder, "--only-binary", ":all:", *tags, "-d", folder + "/got", "fastnb"], capture_output=True, text=True)
    return p.returncode == 0


with tempfile.TemporaryDirectory() as tmp:
    env = tmp + "/venv"
    venv.create(env, with_pip=True)
    python = env + "/bin/python"
    # Each platform's wheel (of a stand-in for its program) is taken by that platform and no other.
    for made in MACHINES:
        folder = tmp + "/" + made.replace("/", "-")
        run(fastnb, "kernel", "wheel", "--platform", made, "--out", folder, __file__)
        for asks in MACHINES:
            assert accepted(python, folder, asks) == (asks == made), f"the wheel of {made} on {asks}"
    run(python, "-m", "pip", "install", "-q", "jupyter_client")
    # The first cell of a notebook in Colab, as docs/places.md has it, with the wheel beside the notebook.
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "docs", "places.md")) as f:
        cell = re.search(r"## Colab.*?```python\n(.*?)```", f.read(), re.S).group(1)
    content = tmp + "/content"
    os.mkdir(content)
    shutil.copy(wheel, content)
    said = run(python, "-c", cell, cwd=content, env={**os.environ, "PATH": "/nowhere"})  # nothing is built or fetched for it
    assert "reload the page" in said, said
    spec = json.loads(run(env + "/bin/jupyter-kernelspec", "list", "--json"))["kernelspecs"]["fastnb"]
    assert spec["resource_dir"].startswith(env), spec["resource_dir"]
    files = set(os.listdir(spec["resource_dir"]))
    assert {"kernel.json", "logo-32x32.png", "logo-64x64.png"} <= files, files
    # Not activated: nothing of the environment is on the PATH.
    code = """
import jupyter_client
with jupyter_client.run_kernel(kernel_name="fastnb") as c:
    r = c.execute_interactive("fmt.Println(6 * 7)", timeout=120, output_hook=lambda m: print(m["content"].get("text", ""), end=""))
    assert r["content"]["status"] == "ok", r["content"]
"""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "VIRTUAL_ENV"))}
    clean.update(PATH="/usr/bin:/bin", HOME=tmp, FASTNB_OFFLINE="1")
    said = run(python, "-c", code, env=clean)
    assert said.strip() == "42", said
    assert run(env + "/bin/fastnb", "--version").startswith("fastnb version"), "the command"
    # Papermill injects its parameters as Go.
    run(python, "-m", "pip", "install", "-q", "papermill")
    cells = [{"cell_type": "code", "id": "a", "metadata": {"tags": ["parameters"]}, "execution_count": None, "outputs": [], "source": 'n := 1 // how many\nname := "x"\nrate := 0.5\nsizes := []int{1}'},
             {"cell_type": "code", "id": "b", "metadata": {}, "execution_count": None, "outputs": [], "source": "fmt.Println(n, name, rate, sizes, len(tags))"}]
    book = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": "fastnb", "display_name": "Go (fastnb)", "language": "go"}}, "cells": cells}
    with open(tmp + "/in.ipynb", "w") as f:
        json.dump(book, f)
    given = "n: 7\nname: 'a \"quoted\" name'\nrate: 2.0\nsizes: [3, 4]\ntags: {a: 1, b: 2}"
    run(env + "/bin/papermill", tmp + "/in.ipynb", tmp + "/out.ipynb", "-y", given, env=clean)
    with open(tmp + "/out.ipynb") as f:
        out = json.load(f)["cells"]
    assert out[-1]["outputs"][0]["text"] in ('7 a "quoted" name 2 [3 4] 2\n', ['7 a "quoted" name 2 [3 4] 2\n']), out[-1]["outputs"]
    known = run(env + "/bin/papermill", "--help-notebook", tmp + "/in.ipynb", env=clean)
    assert "n: int (default 1)" in known and "how many" in known, known
    run(python, "-m", "pip", "uninstall", "-q", "-y", "fastnb")
    assert not os.path.exists(spec["resource_dir"] + "/kernel.json") and not os.path.exists(env + "/bin/fastnb"), "left after uninstalling"
print("wheel: installs, runs, takes papermill's parameters, goes; each platform takes its own")
