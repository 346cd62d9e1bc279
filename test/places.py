"""Checks the files by which fastnb reaches other places, as far as that goes without a container engine:
docker/Dockerfile*, environment.yml, postBuild, start, and the links of the Markdown pages. The steps of
the images that are ours (build, install) are run on a copy of the tracked files in an empty folder."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

problems = []


def problem(where, what):
    problems.append(f"{where}: {what}")


KNOWN = {"FROM", "RUN", "COPY", "WORKDIR", "USER", "ENV", "EXPOSE", "CMD", "HEALTHCHECK", "ARG", "ENTRYPOINT", "LABEL"}


def dockerfile(path):
    text = re.sub(r"(?m)^\s*#.*\n", "", open(path).read())
    text = re.sub(r"\\\n\s*", " ", text)
    stages, user, cmd = [], "root", None
    for line in filter(None, (l.strip() for l in text.split("\n"))):
        word, _, rest = line.partition(" ")
        if word not in KNOWN:
            problem(path, f"unknown instruction {word}")
        if word == "FROM":
            image, *name = re.split(r"\s+[Aa][Ss]\s+", rest)
            if ":" not in image or image.endswith(":latest"):
                problem(path, f"image without a version: {image}")
            if "@" in image and not re.search(r"@sha256:[0-9a-f]{64}$", image):
                problem(path, f"image with half a digest: {image}")
            stages.append(name[0] if name else "")
            user = "root"
        if not stages:
            problem(path, f"{word} before FROM")
        if word == "RUN":
            if "apt-get install" in rest and not all(x in rest for x in ("apt-get update", " -y ", "--no-install-recommends", "rm -rf /var/lib/apt/lists/*")):
                problem(path, f"apt-get install without update, -y, --no-install-recommends and clean-up: {rest}")
            for pkg in re.findall(r"pip install ([^&]*)", rest):
                if "--no-cache-dir" not in pkg or any("==" not in p for p in pkg.split() if not p.startswith("-")):
                    problem(path, f"pip install with a cache or without versions: {pkg}")
            if "sudo" in rest or re.search(r"\bcd /", rest):
                problem(path, f"sudo, or cd in place of WORKDIR: {rest}")
        if word == "COPY":
            flags = [p for p in rest.split() if p.startswith("--")]
            sources = [p for p in rest.split() if not p.startswith("--")][:-1]
            source = next((f[7:] for f in flags if f.startswith("--from=")), None)
            if source is None:
                for s in sources:
                    if not os.path.exists(s):
                        problem(path, f"COPY of what is not there: {s}")
            elif source not in stages[:-1]:
                problem(path, f"COPY from a stage that is not there: {source}")
        if word == "USER":
            user = rest
        if word in ("CMD", "ENTRYPOINT"):
            cmd = rest
            try:
                json.loads(rest)
            except ValueError:
                problem(path, f"{word} is not a list")
        if word == "EXPOSE" and not rest.isdigit():
            problem(path, f"EXPOSE {rest}")
    if user == "root":
        problem(path, "runs as root")
    if cmd is None:
        problem(path, "no CMD")
    if len(stages) < 2:
        problem(path, "one stage only")


def environment(path):
    env = yaml.safe_load(open(path))
    if set(env) != {"name", "channels", "dependencies"}:
        problem(path, f"keys {sorted(env)}")
    names = [re.split(r"[<>=]", d)[0] for d in env["dependencies"]]
    for need in ("python", "jupyterlab", "go", "make", "nodejs"):
        if need not in names:
            problem(path, f"{need} is missing")
    go = next(l.split()[1] for l in open("go.mod") if l.startswith("go "))
    if f"go>={'.'.join(go.split('.')[:2])}" not in env["dependencies"]:
        problem(path, f"wants another Go than go.mod ({go})")


def pages():
    for p in subprocess.check_output(["git", "ls-files", "*.md"], text=True).split():
        for link in re.findall(r"\]\(([^)#\s]+)", open(p).read()):
            if "://" not in link and not link.startswith("mailto:") and not os.path.exists(os.path.join(os.path.dirname(p), link)):
                problem(p, f"link to what is not there: {link}")


def badges():
    """Binder's and Colab's badges open notebooks that are there and whose metadata name our kernel, as each of them has to."""
    found = []
    for p in subprocess.check_output(["git", "ls-files", "*.md"], text=True).split():
        for url in re.findall(r"\((https://(?:mybinder\.org|colab\.research\.google\.com)/[^)\s]+)\)", open(p).read()):
            m = re.search(r"(?:urlpath=lab/tree/|/blob/main/)(\S+\.ipynb)$", url)
            if not m or not os.path.exists(m.group(1)):
                if not url.endswith(".svg"):
                    problem(p, f"a badge that opens no notebook of ours: {url}")
                continue
            found.append(m.group(1))
    if found.count("notebooks/lesson3-planet.ipynb") < 2:
        problem("badges", f"Binder's and Colab's should open the planet notebook, they open {found}")
    for nb in subprocess.check_output(["git", "ls-files", "notebooks/*.ipynb"], text=True).split():
        spec = json.load(open(nb))["metadata"].get("kernelspec", {})
        if (spec.get("name"), spec.get("language")) != ("fastnb", "go"):
            problem(nb, f"kernelspec {spec}")


def steps():
    """postBuild in an empty folder that holds only what git tracks."""
    with tempfile.TemporaryDirectory() as tmp:
        src, prefix = os.path.join(tmp, "src"), os.path.join(tmp, "env")
        for f in subprocess.check_output(["git", "ls-files"], text=True).split("\n"):
            if f and os.path.exists(f):
                os.makedirs(os.path.dirname(os.path.join(src, f)), exist_ok=True)
                shutil.copy2(f, os.path.join(src, f))
        env = dict(os.environ, CONDA_PREFIX=prefix)
        env.pop("REPO_DIR", None)
        subprocess.run(["./postBuild"], cwd=src, env=env, check=True, stdout=subprocess.DEVNULL)
        for f in ("bin/fastnb", "share/jupyter/kernels/fastnb/kernel.json", "share/jupyter/kernels/fastnb/logo-64x64.png"):
            if not os.path.exists(os.path.join(prefix, f)):
                problem("postBuild", f"leaves no {f}")
        out = subprocess.check_output(["./start", os.path.join(prefix, "bin/fastnb"), "doctor"], cwd=src, env=dict(env, PATH=prefix + "/bin:" + env["PATH"]), text=True)
        if "FASTNB_OFFLINE is set" not in out:
            problem("start", "does not set FASTNB_OFFLINE")
        if "interactive, also offline" not in out:
            problem("postBuild", "builds without the chart script")


def pinning():
    """docker/pin.sh over a docker that knows two images, and over none."""
    with tempfile.TemporaryDirectory() as tmp:
        digest = "sha256:" + "a1" * 32
        fake = os.path.join(tmp, "docker")
        with open(fake, "w") as f:
            f.write(f'#!/bin/sh\ncase "$*" in *gone*|*@sha256:00*) exit 1;; *) echo {digest};; esac\n')
        os.chmod(fake, 0o755)
        file = os.path.join(tmp, "Dockerfile")

        def run(text, *flags):
            with open(file, "w") as f:
                f.write(text)
            r = subprocess.run(["docker/pin.sh", *flags, file], env=dict(os.environ, PATH=tmp + ":" + os.environ["PATH"]), capture_output=True, text=True)
            return r.returncode, open(file).read(), r.stdout + r.stderr

        plain, pinned, none = ("FROM go:1.26 AS build\nRUN x\nFROM py:3%s\nFROM scratch\nFROM gone:1\n" % d for d in ("", "@" + digest, "@sha256:" + "00" * 32))
        code, got, said = run(plain)
        if code or f"FROM go:1.26@{digest} AS build\n" not in got or f"FROM py:3@{digest}\nFROM scratch\nFROM gone:1\n" not in got or "cannot be read" not in said:
            problem("docker/pin.sh", f"writes {got!r}, says {said!r}")
        for text, want, word in ((plain, 0, "is not pinned"), (pinned, 0, "py:3 is sha256"), (none, 1, "is not there")):
            code, got, said = run(text, "--check")
            if code != want or got != text or word not in said:
                problem("docker/pin.sh --check", f"gives {code} for {text!r}, says {said!r}")


for f in sorted(os.listdir("docker")):
    if f.startswith("Dockerfile"):
        dockerfile(os.path.join("docker", f))
pinning()
environment("environment.yml")
pages()
badges()
steps()
for p in problems:
    print(p)
print(f"places: {len(problems)} problems")
sys.exit(bool(problems))
