package plotting

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"
	"sync"
	"sync/atomic"
)

//go:embed assets
var assets embed.FS

// cdn is where go-echarts' own pages take the script from; used by builds without the embedded one.
const cdn = "https://go-echarts.github.io/go-echarts-assets/assets/"

var (
	staticOnly atomic.Bool
	scriptSent atomic.Bool
	chartCount atomic.Int64
)

// SetStatic with true leaves scripts out of all figures from now on: charts are then their static
// picture. This is how notebooks are run whose outputs are committed (`fastnb nb run --static`).
func SetStatic(on bool) { staticOnly.Store(on) }

// NewSession forgets that the chart script was sent, so that the next chart brings it along: call it
// where a new notebook begins, or when the output that held the script was cleared.
func NewSession() { scriptSent.Store(false) }

// ScriptSent reports whether a chart since NewSession brought the chart script.
func ScriptSent() bool { return scriptSent.Load() }

// Picture is the figure as its static picture alone, without script, for displays that are replaced
// many times.
func (f *Figure) Picture() *Figure {
	g := *f
	g.opt, g.libs = "", nil
	return &g
}

// library is the script that puts ECharts into window.__fastnb_echarts. The wrapper hides AMD and
// CommonJS loaders of the page (RequireJS in classic notebooks), which the library would prefer.
var library = sync.OnceValue(func() string {
	const before = "(function(){if(window.__fastnb_echarts)return;"
	if src, ok := embedded(); ok {
		return before + "var exports={},module={exports:exports},define=undefined;\n" + src +
			"\nwindow.__fastnb_echarts=module.exports;})();"
	}
	return before + fmt.Sprintf(`var d=window.define,s=document.createElement("script");window.define=undefined;
s.onload=function(){window.define=d;window.__fastnb_echarts=window.echarts;};s.onerror=function(){window.define=d;};
s.src=%q;document.head.appendChild(s);})();`, cdn+"echarts.min.js")
})

// embedded is the chart script of this build, if it has one.
func embedded() (string, bool) {
	packed, err := assets.ReadFile("assets/echarts.min.js.gz")
	if err != nil {
		return "", false
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", false
	}
	src, err := io.ReadAll(r)
	if err != nil {
		return "", false
	}
	return strings.ReplaceAll(string(src), "</script", `<\/script`), true
}

// drawScript is the script of one chart: it waits up to 5 s for the library, replaces the picture by the
// chart, follows the width of its place, and follows the page between light and dark. On any failure
// the picture stays.
const drawScript = `(function(){
var id=%s,h=%d,libs=%s,theme=%s,after=function(chart){%s},make=function(echarts){return %s;},tries=0;
function dark(e){for(;e;e=e.parentElement){var m=getComputedStyle(e).backgroundColor.match(/[\d.]+/g);
if(m&&(m.length<4||+m[3]>0.5))return 0.299*m[0]+0.587*m[1]+0.114*m[2]<128;}return false;}
function start(){var ec=window.__fastnb_echarts,box=document.getElementById(id);
if(!box)return; if(!ec){if(tries++<100)setTimeout(start,50);return;}
var load=libs.filter(function(u){return !document.querySelector('script[src="'+u+'"]');});
window.echarts=window.echarts||ec;
if(load.length){var left=load.length;load.forEach(function(u){var s=document.createElement("script");s.onload=function(){if(!--left)show();};s.src=u;document.head.appendChild(s);});}else show();
function show(){var pic=box.innerHTML,chart,was;
function build(){var d=dark(box);if(chart&&d===was)return;was=d;
try{var opt=make(ec);if(opt.backgroundColor===undefined||opt.backgroundColor==="")opt.backgroundColor="transparent";
if(chart)chart.dispose();box.innerHTML="";box.style.height=h+"px";
chart=ec.init(box,theme||(d?"dark":null));chart.setOption(opt);after(chart);}catch(e){chart=null;box.style.height="";box.innerHTML=pic;}}
build();
if(window.ResizeObserver)new ResizeObserver(function(){if(chart)chart.resize();}).observe(box);
if(window.MutationObserver)new MutationObserver(function(){setTimeout(build,50);}).observe(document.body,{attributes:true});
}}
start();})();`

// chartHTML is an interactive chart: the static picture in a place of its size and, unless scripts
// are off, the script that replaces it. The first chart of a session brings the library.
func chartHTML(f *Figure, file []byte) string {
	id := fmt.Sprintf("fastnb-chart-%d", chartCount.Add(1))
	inside := "<em>" + html.EscapeString(f.text) + "</em>"
	if file != nil {
		inside = f.imgTag(file)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<div id="%s" class="fastnb-chart" style="width:%dpx;max-width:100%%">%s</div>`, id, f.w, inside)
	if staticOnly.Load() {
		return b.String()
	}
	if !scriptSent.Swap(true) {
		b.WriteString("\n<script>" + library() + "</script>")
	}
	libs := f.libs
	if libs == nil {
		libs = []string{}
	}
	fmt.Fprintf(&b, "\n<script>"+drawScript+"</script>", jsText(id), f.h, jsText(libs), jsText(f.theme), f.after, f.opt)
	return b.String()
}

// jsText is v as JavaScript, safe inside a script element (encoding/json escapes < and >).
func jsText(v any) string {
	t, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(t)
}

// ScriptBuiltIn reports whether this build holds the chart script: without it charts are pictures,
// unless the page that shows them is online.
func ScriptBuiltIn() bool { _, ok := embedded(); return ok }
