"""Feeds the same cells to stock gophernotes (internal/oracle) and to our kernel and compares what they show.

oracle.py GOPHERNOTES FASTNB. A cell's outputs are compared as they travel: streams joined, MIME bundles
with their metadata, errors by their kind. Where the two are meant to differ, the cell says so, and it is
an error if they do not: docs/gophernotes.md argues each difference.
"""
import json
import os
import sys
import tempfile

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

D = 'import "display"\n'
PNG = 'import ("image"; "image/color")\nimg := image.NewRGBA(image.Rect(0, 0, 2, 2))\nimg.Set(1, 1, color.RGBA{255, 0, 0, 255})\n'

# Why the two differ, as docs/gophernotes.md argues it.
ERRORS = "errors: Go's own words, without the interpreter's file name"
BESIDE = "a plain text stands beside every other form"
SNIFFED = "sniffed types show, without their charset"
BYTES = "bytes: the text beside them says type and size, not the bytes"
PICTURES = "pictures: the text beside them says the size, not the pixels"

# (cell, why the two differ or None)
CELLS = [
    ("1 + 2", None),
    ('"text"', None),
    ("2.5 * 4", None),
    ("x := 7", None),
    ("x", None),
    ("x, 8", ERRORS),
    ("func two() (int, string) { return 8, \"b\" }\ntwo()", "several values stand with blanks between them"),
    ("[]int{1, 2, 3}", None),
    ("map[string]int{\"a\": 1}", None),
    ("struct{ A int; B string }{1, \"z\"}", None),
    ("nil", None),
    ("var e error\ne", None),
    ("func f() (int, error) { return 3, nil }\nf()", "an error that is nil is not shown"),
    ('import "fmt"\nfmt.Println("hello")', "fmt's print functions show no count"),
    ('import "os"\nimport "fmt"\n_, err := fmt.Fprint(os.Stderr, "to stderr\\n")', None),
    ('for i := 0; i < 3; i++ { fmt.Print(i, " ") }', None),
    ("type point struct{ X, Y int }\npoint{1, 2}", None),
    ('func (p point) String() string { return "P" }\npoint{1, 2}', "String of a cell's type is honoured"),
    (D + 'display.HTML("<b>x</b>")', None),
    (D + 'display.Markdown("# x")', None),
    (D + 'display.JavaScript("1")', None),
    (D + 'display.SVG("<svg></svg>")', None),
    (D + 'display.Latex("x^2")', None),
    (D + 'display.Latex("$x^2$")', None),
    (D + 'display.Math("x^2")', None),
    (D + 'display.JSON(map[string]interface{}{"a": 1})', None),
    (D + 'display.MakeData("text/html", "<i>y</i>")', None),
    (D + 'display.MakeData("text/plain", "y")', None),
    (D + 'display.MakeData3("text/html", "plain", "<i>y</i>")', None),
    (D + 'display.MIME(display.MIMEMap{"text/html": "<i>z</i>", "text/plain": "z"}, display.MIMEMap{"text/html": display.MIMEMap{"k": 1}})', None),
    (D + 'display.Any("", "plain words")', SNIFFED),
    (D + 'display.Any("text/html", "<b>any</b>")', BESIDE),
    (D + 'display.Auto("<html><body>auto</body></html>")', SNIFFED),
    (D + 'import "strings"\ndisplay.Any("text/html", strings.NewReader("<u>reader</u>"))', "text from a reader stays text"),
    (D + "display.MIMETypeHTML + display.MIMETypePNG + display.MIMETypeSVG + display.MIMETypeJSON + display.MIMETypeLatex", None),
    (D + 'Display(display.HTML("<b>shown</b>"))', None),
    (D + 'Display(display.Markdown("one"))\nDisplay(display.Markdown("two"))', None),
    (D + 'display.PNG([]byte{0x89, 0x50, 0x4e, 0x47})', BYTES),
    (D + 'display.JPEG([]byte{0xff, 0xd8, 0xff})', BYTES),
    (D + 'display.PDF([]byte("%PDF-1.4"))', BYTES),
    (PNG + "img", PICTURES),
    (D + "display.Image(img)", PICTURES),
    ('import "github.com/gopherdata/gophernotes"\ngophernotes.HTML("<b>x</b>")', None),
    ('type page struct{}\nfunc (p page) HTML() string { return "<p>page</p>" }\nvar pg page\npg', BESIDE),
    ('type note struct{ s string }\nfunc (n note) Markdown() string { return n.s }\nnt := note{"*n*"}\nnt', BESIDE),
    ('type both struct{}\nfunc (b both) HTML() string { return "<p/>" }\nfunc (b both) Latex() string { return "$b$" }\nvar bt both\nbt', BESIDE),
    ('type simple struct{}\nfunc (s simple) SimpleRender() display.MIMEMap { return display.MIMEMap{"text/html": "<s/>"} }\nvar sm simple\nsm', BESIDE),
    ('type full struct{}\nfunc (s full) Render() display.Data { return display.Data{Data: display.MIMEMap{"text/html": "<f/>"}} }\nvar fl full\nfl', BESIDE),
    ("undefinedName", ERRORS),
    ("var a int = \"s\"", ERRORS),
    ('panic("boom")', ERRORS),
    ("%go111module on", None),
    ("$ echo from a command", None),
    ("%cd /\n\n$ pwd", None),
    ("%nonsense", ERRORS),
]


class Kernel:
    def __init__(self, argv, env):
        self.km = KernelManager(kernel_name="oracle")
        self.km._kernel_spec = KernelSpec(argv=argv, display_name="x", language="go", env=env)
        self.km.start_kernel(stderr=open(os.path.join(tempfile.gettempdir(), "oracle.log"), "a"))
        self.kc = self.km.blocking_client()
        self.kc.start_channels()
        self.kc.wait_for_ready(timeout=60)

    def run(self, code):
        """The cell's outputs: stdout and stderr joined, the rest in order."""
        streams, outs = {}, []

        def hook(m):
            c = m["content"]
            if m["msg_type"] == "stream":
                streams[c["name"]] = streams.get(c["name"], "") + c["text"]
            elif m["msg_type"] in ("display_data", "execute_result"):
                outs.append([m["msg_type"], c["data"], c.get("metadata") or {}])
            elif m["msg_type"] == "error":
                outs.append(["error", c["ename"], c["evalue"]])

        reply = self.kc.execute_interactive(code, timeout=60, output_hook=hook, allow_stdin=False)
        return {"status": reply["content"]["status"], "streams": streams, "outs": outs}

    def stop(self):
        self.kc.stop_channels()
        self.km.shutdown_kernel(now=True)


def main():
    stock_bin, ours_bin = (os.path.abspath(p) for p in sys.argv[1:3])
    quiet = dict(os.environ, GOROOT="/nonexistent", GODEBUG="gotypesalias=0")
    stock = Kernel([stock_bin, "{connection_file}"], quiet)
    ours = Kernel([ours_bin, "kernel", "run", "{connection_file}"], {})
    bad = same = 0
    try:
        for code, why in CELLS:
            a, b = stock.run(code), ours.run(code)
            for _ in range(5):
                if why or a["streams"] == b["streams"]:
                    break
                a = stock.run(code)  # stock may answer before what a cell printed is on its way
            equal = a == b
            same += equal
            if equal == (why is None):
                if os.environ.get("VERBOSE"):
                    print("same " if equal else "other", repr(code))
                continue
            bad += 1
            print("DIFFERENT" if why is None else f"THE SAME, though: {why}", repr(code))
            print("  gophernotes:", json.dumps(a)[:600])
            print("  fastnb:     ", json.dumps(b)[:600])
    finally:
        stock.stop()
        ours.stop()
    print(f"oracle: {len(CELLS)} cells, {same} the same, {len(CELLS) - same} different; {bad} of them not as listed")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
