package serve

import (
	"bytes"
	"encoding/csv"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/text"
	"github.com/fastnb/go/fastnb/vision"
)

// flagForm is a flag as the page sends it.
func flagForm(t *testing.T, fields ...string) (*bytes.Buffer, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		if fields[i] == "file" {
			p, err := w.CreateFormFile("file", "x.png")
			check(t, err)
			_, err = p.Write([]byte(fields[i+1]))
			check(t, err)
			continue
		}
		check(t, w.WriteField(fields[i], fields[i+1]))
	}
	check(t, w.Close())
	return &b, w.FormDataContentType()
}

// What was flagged opens as a data set.
func TestFlags(t *testing.T) {
	dir := t.TempDir()
	c := Config{Flags: dir}
	_, url := start(t, c, Source{Name: "colours", Path: pictures.export(t)}, Source{Name: "labels", Path: labels.export(t)}, Source{Name: "texts", Path: texts.export(t)})
	flag := func(model string, fields ...string) (int, string) {
		b, kind := flagForm(t, fields...)
		var e map[string]string
		status := ask(t, url+"/api/models/"+model+"/flag", b, kind, &e)
		return status, e["error"]
	}
	for k := range 4 {
		pic := string(pngOf(t, square(40, 3*k, red)))
		label := []string{"red", "blue"}[k%2]
		for _, m := range []string{"colours", "labels"} {
			if status, e := flag(m, "file", pic, "label", label+";square"[:7*btoi(m == "labels")], "answer", "blue"); status != 200 {
				t.Error(status, e)
			}
		}
		if status, e := flag("texts", "text", "a film, \"number\"\n"+label, "label", label, "answer", "pos"); status != 200 {
			t.Error(status, e)
		}
	}
	at := datasets.NewPath(dir)
	d, err := vision.ImageListFromFolder(at.Join("colours")).SplitNone().LabelFromFolder().Transform(nil, data.Size(16)).DataBunch(data.BS(2))
	check(t, err)
	if strings.Join(d.Classes, " ") != "blue red" || d.TrainDS.Len() != 4 {
		t.Errorf("by folder: classes %v, %d items", d.Classes, d.TrainDS.Len())
	}
	d, err = vision.ImageListFromCSV(at.Join("labels"), flagTable).SplitNone().LabelFromTable(data.LabelDelim(";")).Transform(nil, data.Size(16)).DataBunch(data.BS(2))
	check(t, err)
	if strings.Join(d.Classes, " ") != "blue red square" {
		t.Errorf("by table: classes %v", d.Classes)
	}
	d, err = text.TextListFromCSV(at.Join("texts"), flagTable, data.Cols("text"), text.MinFreq(1)).SplitNone().LabelFromTable(data.LabelCols("label")).DataBunch(data.BS(2))
	check(t, err)
	if strings.Join(d.Classes, " ") != "blue red" {
		t.Errorf("texts: classes %v", d.Classes)
	}

	pic := string(pngOf(t, square(40, 1, red)))
	for says, fields := range map[string][]string{
		"one file or one text": {"label", "red"}, "no picture": {"file", "hello", "label", "red"}, "name a folder": {"file", pic, "label", "../../out"},
		"control": {"file", pic, "label", "a\x00b"}, "too long": {"file", pic, "label", strings.Repeat("a", 300)}, "UTF-8": {"text", "\xff"},
	} {
		if status, e := flag("colours", fields...); status < 400 || status >= 500 || !strings.Contains(e, says) {
			t.Errorf("%s: %d %s", says, status, e)
		}
	}
	if status, e := flag("colours", "file", pic, "label", ".hidden"); status != 400 {
		t.Error(status, e)
	}
	outside, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "out*"))
	if len(outside) > 0 || err != nil {
		t.Error(outside, err)
	}

	// A line cut off by a killed process ends; the next stands by itself. Full is full.
	table := filepath.Join(dir, "colours", flagTable)
	f, err := os.OpenFile(table, os.O_APPEND|os.O_WRONLY, 0)
	check(t, err)
	_, err = f.WriteString("red/half")
	check(t, err)
	check(t, f.Close())
	s, url2 := start(t, c, Source{Name: "colours", Path: pictures.export(t)})
	b, kind := flagForm(t, "file", pic, "label", "red", "answer", "blue")
	var e map[string]string
	if status := ask(t, url2+"/api/models/colours/flag", b, kind, &e); status != 200 {
		t.Error(status, e)
	}
	file, err := os.Open(table)
	check(t, err)
	defer file.Close()
	r := csv.NewReader(file)
	r.FieldsPerRecord = -1
	lines, err := r.ReadAll()
	if err != nil || len(lines) != 7 || len(lines[6]) != 4 || lines[6][1] != "red" {
		t.Error(lines, err)
	}
	s.flags.most = s.flags.n
	b, kind = flagForm(t, "file", pic, "label", "red", "answer", "blue")
	if status := ask(t, url2+"/api/models/colours/flag", b, kind, &e); status != http.StatusInsufficientStorage {
		t.Error(status, e)
	}
	_, none := start(t, Config{}, Source{Name: "colours", Path: pictures.export(t)})
	b, kind = flagForm(t, "file", pic, "label", "red")
	if status := ask(t, none+"/api/models/colours/flag", b, kind, &e); status != 404 || !strings.Contains(e["error"], "--flag") {
		t.Errorf("without a folder: %d %v", status, e)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
