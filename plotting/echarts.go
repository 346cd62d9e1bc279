package plotting

import (
	"encoding/json"
	"fmt"
	"html/template"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-echarts/go-echarts/v2/event"
	"github.com/go-echarts/go-echarts/v2/opts"
	"github.com/go-echarts/go-echarts/v2/render"
	"github.com/go-echarts/go-echarts/v2/types"
)

// goChart is what go-echarts' charts have in common; its pages of several charts lack Type.
type goChart interface {
	Validate()
	Type() string
	JSON() map[string]any
	JSONNotEscaped() template.HTML
}

// FromEcharts is the figure of a chart made with go-echarts, and whether v is one. It shows in the
// cell like our own charts. The static picture is drawn for line, scatter and bar charts; other kinds
// are interactive only. Ask this before any other way of showing a value: each go-echarts chart also has
// a JSON method, and would show as its options.
func FromEcharts(v any) (*Figure, bool) {
	c, ok := v.(goChart)
	if !ok || reflect.ValueOf(v).Kind() != reflect.Pointer || reflect.ValueOf(v).IsNil() {
		return nil, false
	}
	return fromChart(c), true
}

func fromChart(c goChart) (f *Figure) {
	defer func() { // go-echarts panics on charts it cannot render
		if r := recover(); r != nil {
			f = failed(fmt.Errorf("fastnb: go-echarts chart: %T: %v", c, r))
		}
	}()
	c.Validate()
	f = &Figure{opt: jsOption(string(c.JSONNotEscaped()))}
	fields := reflect.ValueOf(c).Elem()
	init, _ := fieldOf(fields, "Initialization").(opts.Initialization)
	f.w, f.h = pixelSize(init.Width, 900), pixelSize(init.Height, 500)
	if init.Theme != "white" {
		f.theme = init.Theme
	}
	if a, ok := fieldOf(fields, "Assets").(opts.Assets); ok {
		for _, lib := range a.JSAssets.Values {
			if !strings.HasSuffix(lib, "/"+opts.EchartsJS) {
				f.libs = append(f.libs, lib)
			}
		}
	}
	f.after = afterScript(fields)
	plain, err := plainJSON(c.JSON())
	if err != nil {
		return failed(fmt.Errorf("fastnb: %s chart: its values cannot be written down: %w (try leaving out what is not a finite number)", c.Type(), err))
	}
	f.text = strings.TrimSuffix("Figure: "+c.Type()+" chart: "+chartTitle(plain), ": ")
	if o, cats, ok := readChart(plain); ok {
		var missing error
		f.img, missing = still(o, cats, f.w, f.h)
		if f.text = linesText(o.LineOpts); missing != nil {
			f.text += "\n" + missing.Error()
		}
	}
	return f
}

// fieldOf is a field of go-echarts' configuration, which all its charts embed; nil if it is not there.
func fieldOf(v reflect.Value, name string) any {
	if v.Kind() != reflect.Struct {
		return nil
	}
	if f := v.FieldByName(name); f.IsValid() && f.CanInterface() {
		return f.Interface()
	}
	return nil
}

// afterScript is the chart's event handlers and functions; go-echarts lets them name the chart by a
// placeholder.
func afterScript(fields reflect.Value) string {
	var b strings.Builder
	name := func(f types.FuncStr) string {
		s := strings.ReplaceAll(string(f), "__f__", "")
		return strings.ReplaceAll(strings.ReplaceAll(s, render.EchartsInstancePlaceholder, "chart"), "</", `<\/`)
	}
	if list, ok := fieldOf(fields, "EventListeners").([]event.Listener); ok {
		for _, l := range list {
			query := ""
			if l.Query != "" {
				query = name(l.Query) + ","
			}
			fmt.Fprintf(&b, "chart.on(%s,%s%s);", jsText(l.EventName), query, name(l.Handler))
		}
	}
	if fns, ok := fieldOf(fields, "JSFunctions").(opts.JSFunctions); ok {
		for _, f := range fns.Fns {
			b.WriteString(name(f) + ";")
		}
	}
	return b.String()
}

// jsFunc finds go-echarts' marks around JavaScript in its option text.
var jsFunc = regexp.MustCompile(`"__f__((?:[^"\\]|\\.)*?)__f__"`)

// jsOption makes go-echarts' option text a JavaScript expression that cannot end the script element:
// marked functions lose their quotes.
func jsOption(s string) string {
	s = jsFunc.ReplaceAllStringFunc(s, func(m string) string {
		var src string
		if json.Unmarshal([]byte(`"`+m[len(`"__f__`):len(m)-len(`__f__"`)]+`"`), &src) != nil {
			return `""`
		}
		return src
	})
	return strings.ReplaceAll(strings.TrimSpace(s), "</", `<\/`)
}

// pixelSize reads "900px"; what is not given in pixels is def.
func pixelSize(s string, def int) int {
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(s), "px"))
	if err != nil || n < 50 || n > maxSide {
		return def
	}
	return n
}

// plainJSON turns go-echarts' option structs into maps, lists and numbers. Of an option that JSON cannot hold,
// such as one with NaN in it, there is nothing but the error.
func plainJSON(opt map[string]any) (map[string]any, error) {
	var out map[string]any
	t, err := json.Marshal(opt)
	if err == nil {
		err = json.Unmarshal(t, &out)
	}
	return out, err
}

// chartTitle is the title's text of an option.
func chartTitle(opt map[string]any) string {
	t, _ := opt["title"].(map[string]any)
	s, _ := t["text"].(string)
	return s
}
