package plotting

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// fn marks a string of an option that is JavaScript, not text; scriptOption takes the quotes off.
func fn(src string) string { return fnMark + src + fnMark }

const fnMark = "\u0001"

var fnQuoted = regexp.MustCompile(`"\\u0001(.*?)\\u0001"`)

// scriptOption is an ECharts option as JavaScript.
func scriptOption(opt map[string]any) string {
	return fnQuoted.ReplaceAllStringFunc(jsText(opt), func(m string) string {
		s, err := strconv.Unquote(`"` + m[len(`"\u0001`):len(m)-len(`\u0001"`)] + `"`)
		if err != nil {
			return `""`
		}
		return strings.ReplaceAll(s, "</", `<\/`)
	})
}

// linesOption is the interactive form of a line chart.
func linesOption(o LineOpts) string {
	var series []any
	var names []string
	for k, s := range o.Series {
		pts := finite(s, o.LogX)
		data := make([][2]float64, len(pts))
		for i, p := range pts {
			data[i] = [2]float64{round6(p.X), round6(p.Y)}
		}
		one := map[string]any{
			"name": s.Name, "type": "line", "data": data, "showSymbol": false, "symbolSize": 6,
			"itemStyle": map[string]any{"color": colorOf(s, k)}, "lineStyle": map[string]any{"width": 1.5},
			"emphasis": map[string]any{"disabled": true},
		}
		if s.Points || len(pts) == 1 {
			one["type"] = "scatter"
			one["symbolSize"] = 8
		}
		if s.Name != "" {
			names = append(names, s.Name)
		}
		series = append(series, one)
	}
	opt := map[string]any{
		"animation": false,
		"grid":      map[string]any{"left": 24, "right": 24, "bottom": 28, "top": 40, "containLabel": true},
		"tooltip":   map[string]any{"trigger": "axis", "confine": true, "axisPointer": map[string]any{"type": "line"}},
		"toolbox":   map[string]any{"feature": map[string]any{"dataZoom": map[string]any{}, "restore": map[string]any{}}, "right": 16, "itemSize": 12},
		"xAxis":     axisOption(o.XLabel, 26, xParts, o.LogX, o.XTick),
		"yAxis":     axisOption(o.YLabel, 16+7*yDigits(o), yParts, false, ""),
		"series":    series,
	}
	if o.YLabel != "" {
		opt["grid"].(map[string]any)["left"] = 34
	}
	if x := opt["xAxis"].(map[string]any); !o.LogX {
		x["min"], x["max"] = "dataMin", "dataMax"
		label, _ := x["axisLabel"].(map[string]any)
		if label == nil {
			label = map[string]any{}
		}
		label["showMaxLabel"] = false // the last value is seldom a round one
		x["axisLabel"] = label
	}
	if len(names) > 0 {
		opt["legend"] = map[string]any{"data": names, "top": 4, "left": "center", "type": "scroll", "itemWidth": 18}
	}
	if o.Title != "" {
		opt["title"] = map[string]any{"text": o.Title, "left": "center", "textStyle": map[string]any{"fontSize": 14}}
		if len(names) > 0 {
			opt["legend"].(map[string]any)["top"] = 24
			opt["grid"].(map[string]any)["top"] = 56
		}
	}
	return "(function(){var o=" + scriptOption(opt) + ";" + hoverScript + "return o;})()"
}

// hoverScript makes the tooltip tell every curve's value where the pointer is: of each the last point that is
// not to the right of it, as curves have their points at different places. ECharts would tell those alone
// whose place is the nearest.
const hoverScript = `o.tooltip.formatter=function(ps){var x=ps[0].axisValue,fmt=o.xAxis.axisLabel&&o.xAxis.axisLabel.formatter,
n=function(v){return Math.abs(v)>=1e5||(v&&Math.abs(v)<1e-3)?v.toExponential(3):+v.toPrecision(5);},
out="<b>"+(fmt?fmt(x):n(x))+"</b>";
o.series.forEach(function(s){var p=null;s.data.forEach(function(d){if(d[0]<=x*(1+1e-9))p=d;});p=p||s.data[0];
if(p)out+='<br><span style="display:inline-block;width:9px;height:9px;border-radius:5px;background:'+s.itemStyle.color+'"></span> '+(s.name||"")+" <b>"+n(p[1])+"</b>";});
return out;};`

// pickScript makes a click on the chart write a line with the pointer's place below it, for the reader to copy.
func pickScript(line string) string {
	return `var say=` + jsText(line) + `;chart.getZr().on("click",function(e){
var v=chart.convertFromPixel({gridIndex:0},[e.offsetX,e.offsetY]);if(!v)return;
var box=chart.getDom(),id=box.id+"-pick",p=document.getElementById(id);
if(!p){p=document.createElement("pre");p.id=id;p.style.cssText="margin:4px 0;user-select:all";box.parentNode.insertBefore(p,box.nextSibling);}
p.textContent=say.replace("{}",v[0].toExponential(1).replace(/e([+-])(\d)$/,"e$10$2"));});`
}

// yDigits is about how many digits the numbers of the y axis have; the axis' name stands beyond them.
func yDigits(o LineOpts) int {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, s := range o.Series {
		for _, p := range finite(s, o.LogX) {
			lo, hi = min(lo, p.Y), max(hi, p.Y)
		}
	}
	most := 2
	if hi > lo {
		for _, t := range ticker("", 5)(lo, hi) {
			most = max(most, len(t.Label)+len(t.Label)/4) // thousands are set apart by commas
		}
	}
	return min(most, 12)
}

// xParts and yParts are into about how many parts an axis is divided, in both forms of a chart.
const (
	xParts = 7
	yParts = 6
)

// axisOption is a number axis whose name stands gap pixels from it.
func axisOption(name string, gap, parts int, log bool, format string) map[string]any {
	a := map[string]any{
		"type": "value", "scale": true, "splitNumber": parts, "name": name, "nameLocation": "middle", "nameGap": gap,
		"axisLine": map[string]any{"onZero": false, "show": true}, "splitLine": map[string]any{"lineStyle": map[string]any{"opacity": .35}},
	}
	if log {
		a["type"] = "log"
	}
	if js := jsFormat(format); js != "" {
		a["axisLabel"] = map[string]any{"formatter": fn(js)}
	}
	return a
}

var verb = regexp.MustCompile(`^%\.(\d+)([ef])$`)

// jsFormat is a JavaScript function that writes a number like the fmt verb; "" if there is none.
func jsFormat(format string) string {
	m := verb.FindStringSubmatch(format)
	switch {
	case m == nil:
		return ""
	case m[2] == "f":
		return fmt.Sprintf("function(v){return v.toFixed(%s);}", m[1])
	}
	return fmt.Sprintf(`function(v){return v.toExponential(%s).replace(/e([+-])(\d)$/,"e$10$2");}`, m[1])
}

// round6 keeps 6 significant digits: charts need no more, and notebooks keep every one.
func round6(x float64) float64 {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 6, 64), 64)
	if err != nil {
		return x
	}
	return y
}
