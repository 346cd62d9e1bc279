package vision

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/jpeg"
	"strings"
	"testing"

	"github.com/fastnb/go/cell/comm"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
)

// What a page sends is what is written: another label, a picture left out, the others as they were.
func TestImageCleaner(t *testing.T) {
	path := twoKinds(t)
	d, err := ImageDataBunchFromFolder(path, data.Size(16), data.BS(8))
	if err != nil {
		t.Fatal(err)
	}
	l, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), fastnb.Silent(true))
	if err != nil {
		t.Fatal(err)
	}
	c, err := ImageCleaner(l, 3)
	if err != nil || c.Len() != 3 {
		t.Fatal(err)
	}
	var got []comm.Data
	defer comm.Attach("k", func(_, _ string, content comm.Data) { got = append(got, content["data"].(comm.Data)) })()
	page := c.Render().Data["text/html"].(string)
	if strings.Count(page, "<figure") != 3 || strings.Count(page, "data:image/jpeg") != 3 || strings.Count(page, "<option selected>") != 3 {
		t.Errorf("the page: %.300s", page)
	}
	first, second := c.all[c.hard[0]], c.all[c.hard[1]]
	other := map[string]string{"3": "7", "7": "3"}[first.label]
	id := c.line.ID()
	comm.Deliver(id, comm.Data{"do": "label", "k": 0., "label": other})
	comm.Deliver(id, comm.Data{"do": "delete", "k": 1., "out": true})
	comm.Deliver(id, comm.Data{"do": "label", "k": 0., "label": "dog"})
	comm.Deliver(id, comm.Data{"do": "label", "k": 9., "label": "3"})
	comm.Deliver(id, comm.Data{"do": "write"})
	if len(got) != 3 || !strings.Contains(got[0]["error"].(string), "none of the labels 3, 7") || !strings.Contains(got[1]["error"].(string), "picture 9 of 3") || !strings.Contains(got[2]["note"].(string), "39 of 40 pictures") {
		t.Errorf("answers %v", got)
	}
	table, err := data.ReadCSV(path.Join("cleaned.csv"))
	if err != nil || table.Len() != 39 {
		t.Fatal(table, err)
	}
	labels := map[string]string{}
	for i := range table.Len() {
		labels[table.Row(i)[0]] = table.Row(i)[1]
	}
	if labels[c.name(first)] != other || labels[c.name(second)] != "" {
		t.Errorf("%s is %q, want %q; %s is %q", first.file, labels[c.name(first)], other, second.file, labels[c.name(second)])
	}
	if _, err := ImageListFromTable(path, table).SplitByRandPct(.2).LabelFromTable(data.LabelCols("label")).Transform(nil, data.Size(16)).DataBunch(data.BS(8)); err != nil {
		t.Error(err)
	}
	if !strings.Contains(c.String(), "leave out") {
		t.Error(c.String())
	}
}

func TestCamera(t *testing.T) {
	seen := ""
	c := Camera(func(x *Image) string { seen = x.String(); return "a cat" })
	var got []comm.Data
	defer comm.Attach("k", func(_, _ string, content comm.Data) { got = append(got, content["data"].(comm.Data)) })()
	c.Render()
	if _, err := c.Image(); err == nil {
		t.Error("a picture before one was taken")
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, 40, 30)), nil); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(b.Bytes()), "data:image/jpeg;base64,AAAA", "nothing"} {
		comm.Deliver(c.line.ID(), comm.Data{"picture": p})
	}
	if x, err := c.Image(); err != nil || x.Size() != (data.Dims{H: 30, W: 40}) || seen != x.String() {
		t.Error(x, err)
	}
	if len(got) != 3 || got[0]["note"] != "a cat" || got[1]["error"] == nil || got[2]["error"] == nil {
		t.Error(got)
	}
}
