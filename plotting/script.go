package plotting

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"os"
	"strings"
	"sync/atomic"
)

//go:embed assets
var assets embed.FS

// cdn is where a page that is online finds the script that `make assets` packs, for builds without it, and integrity
// its SHA-384 sum: a browser runs nothing else that comes from there.
const (
	cdn       = "https://cdn.jsdelivr.net/npm/echarts@5.6.0/dist/" + ScriptFile
	integrity = "sha384-pPi0zxBAoDu6+JXW/C68UZLvBUUtU+7zonhif43rqj7pxsGyqyqzcian2Rj37Rss"
)

var (
	staticOnly atomic.Bool
	chartCount atomic.Int64
)

// SetStatic with true leaves scripts out of all figures from now on: charts are then their static
// picture. This is how notebooks are run whose outputs are committed (`fastnb nb run --static`).
func SetStatic(on bool) { staticOnly.Store(on) }

// Static reports whether scripts are left out of figures.
func Static() bool { return staticOnly.Load() }

// ScriptFile is the name of the chart script in the folder of the kernelspec, from where Jupyter's server
// hands it to pages.
const ScriptFile = "echarts.min.js"

// Picture is the figure as its static picture alone, without script, for displays that are replaced
// many times.
func (f *Figure) Picture() *Figure {
	g := *f
	g.opt, g.libs = "", nil
	return &g
}

// ScriptElement is the library as an element for pages that stand alone: once in a page, before its charts.
// It is "" in a build without the embedded library; the page then asks a public address, and takes what has the right checksum.
func ScriptElement() string {
	if src := Script(); src != nil {
		return "<script>" + string(src) + "</script>"
	}
	return ""
}

// Script is the library that puts ECharts into window.__fastnb_echarts, nil in a build without it. The
// wrapper hides AMD and CommonJS loaders of the page (RequireJS in classic notebooks), which the library
// would prefer.
func Script() []byte {
	src, ok := embedded()
	if !ok {
		return nil
	}
	return []byte("(function(){if(window.__fastnb_echarts)return;var exports={},module={exports:exports},define=undefined;\n" +
		src + "\nwindow.__fastnb_echarts=module.exports;})();")
}

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

// drawScript is the script of one chart. It has the library fetched, once for all charts of a page: from the
// folder of the kernelspec, which Jupyter's server shows, else from a public address, by its checksum. Then it replaces
// the picture by the chart, follows the width of its place, and follows the page between light and dark.
// On any failure the picture stays.
const drawScript = `(function(){
var id=%s,h=%d,libs=%s,theme=%s,after=function(chart){%s},make=function(echarts){return %s;},tries=0;
function dark(e){for(;e;e=e.parentElement){var m=getComputedStyle(e).backgroundColor.match(/[\d.]+/g);
if(m&&(m.length<4||+m[3]>0.5))return 0.299*m[0]+0.587*m[1]+0.114*m[2]<128;}return false;}
function fetchLib(){if(window.__fastnb_echarts||window.__fastnb_asked)return;window.__fastnb_asked=true;
var cdn=%s,sum=%s,urls=[cdn],c=document.getElementById("jupyter-config-data"),base=null;
try{base=c?JSON.parse(c.textContent).baseUrl:document.body.dataset.baseUrl;}catch(e){}
if(base)urls.unshift(base+%s);
(function next(){if(!urls.length){window.__fastnb_asked=false;return;}
var d=window.define,s=document.createElement("script");window.define=undefined;
function done(){window.define=d;if(!window.__fastnb_echarts&&window.echarts)window.__fastnb_echarts=window.echarts;}
s.onload=function(){done();if(!window.__fastnb_echarts)next();};s.onerror=function(){done();next();};
s.src=urls.shift();if(!urls.length){s.integrity=sum;s.crossOrigin="anonymous";}document.head.appendChild(s);})();}
function start(){var ec=window.__fastnb_echarts,box=document.getElementById(id);
if(!box){if(tries++<20)setTimeout(start,50);return;} if(!ec){fetchLib();if(tries++<200)setTimeout(start,50);return;}
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
if(window.matchMedia)matchMedia("(prefers-color-scheme: dark)").addEventListener("change",function(){setTimeout(build,50);});
}}
start();})();`

// chartHTML is an interactive chart: the static picture, if there is a file of it, in a place of its size
// and, unless scripts are off, the script that replaces it.
func chartHTML(f *Figure, file []byte) string {
	id := fmt.Sprintf("fastnb-chart-%d-%d", os.Getpid(), chartCount.Add(1))
	inside := "<em>" + html.EscapeString(f.text) + "</em>"
	switch {
	case len(file) > 0:
		inside = f.imgTag(file)
	case file != nil:
		inside = ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<div id="%s" class="fastnb-chart" style="width:%dpx;max-width:100%%;min-height:%dpx">%s</div>`, id, f.w, f.h, inside)
	if staticOnly.Load() {
		return b.String()
	}
	libs := f.libs
	if libs == nil {
		libs = []string{}
	}
	fmt.Fprintf(&b, "\n<script>"+drawScript+"</script>", jsText(id), f.h, jsText(libs), jsText(f.theme), f.after, f.opt,
		jsText(cdn), jsText(integrity), jsText("kernelspecs/fastnb/"+ScriptFile))
	return b.String()
}

// LiveLines is the interactive form of Lines alone, without its static picture, for an output that is replaced
// many times; false where scripts are off. Show the figure itself last, so that it is kept.
func LiveLines(o LineOpts) (html string, ok bool) {
	if staticOnly.Load() {
		return "", false
	}
	o.defaults()
	f := &Figure{text: linesText(o), opt: linesOption(o)}
	f.w, f.h = pixels(o.W, o.H)
	return chartHTML(f, []byte{}), true
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
