package serve

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/vision"
)

// modelInfo is what a model takes and gives.
type modelInfo struct {
	Name    string   `json:"name"`
	Arch    string   `json:"architecture,omitempty"`
	Takes   string   `json:"takes"` // "picture" or "text"
	Gives   string   `json:"gives"` // "class", "labels", "mask", "points", "values" or "text"
	Classes []string `json:"classes,omitempty"`
	// Examples are inputs that the export carries: a picture has its number here, and is at examples/NUMBER.
	Examples []example `json:"examples,omitempty"`
}

type example struct {
	Name   string `json:"name"`
	Number *int   `json:"number,omitempty"` // of a picture
	Text   string `json:"text,omitempty"`
}

// examplesOf are the examples that can be offered: texts, and files that are pictures.
func examplesOf(m *fastnb.Model) (out []example) {
	for k, e := range m.Examples() {
		switch {
		case e.Text != "":
			out = append(out, example{Name: e.Name, Text: e.Text})
		case isPicture(e.Content):
			out = append(out, example{Name: e.Name, Number: &k})
		}
	}
	return out
}

func isPicture(b []byte) bool { return strings.HasPrefix(http.DetectContentType(b), "image/") }

// example gives a picture that the export carries.
func (s *Server) example(w http.ResponseWriter, r *http.Request) {
	e, err := s.store.of(r.PathValue("model"))
	if err != nil {
		writeError(w, err)
		return
	}
	m, done := e.use()
	defer done()
	all := m.Examples()
	k, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || k < 0 || k >= len(all) || !isPicture(all[k].Content) {
		writeError(w, fail(http.StatusNotFound, "there is no such example"))
		return
	}
	w.Header().Set("Content-Type", http.DetectContentType(all[k].Content))
	_, _ = w.Write(all[k].Content) // a client that has gone is told nothing
}

func infoOf(name string, m *fastnb.Model) modelInfo {
	d := m.Data()
	i := modelInfo{Name: name, Takes: "picture", Classes: d.Classes, Examples: examplesOf(m)}
	if a := m.Arch(); a != nil {
		i.Arch = a.Kind + " " + a.Name
	}
	if _, ok := d.Kind().(data.TextOpener); ok {
		i.Takes = "text"
	}
	switch kind := d.LabelKind().Name(); {
	case kind == "lm":
		i.Gives = "text"
	case kind == "mask":
		i.Gives = "mask"
	case kind == vision.PointsKind().Name():
		i.Gives = "points"
	case m.Loss().Activation == "softmax":
		i.Gives = "class"
	case m.Loss().Activation == "sigmoid":
		i.Gives = "labels"
	default:
		i.Gives = "values"
	}
	return i
}

type object = map[string]any

// describe is the OpenAPI description of the routes.
func (s *Server) describe(w http.ResponseWriter, _ *http.Request) {
	form := object{"multipart/form-data": object{"schema": object{
		"type": "object", "properties": object{
			"file": object{"type": "string", "format": "binary", "description": "a picture: JPEG, PNG, GIF, WebP, BMP or TIFF"},
			"text": object{"type": "string"},
		},
	}}, "application/json": object{"schema": object{"type": "object", "properties": object{
		"text": object{"type": "string"}, "texts": object{"type": "array", "items": object{"type": "string"}},
	}}}}
	refused := object{"description": "refused, with the reason", "content": object{"application/json": object{"schema": object{
		"type": "object", "properties": object{"error": object{"type": "string"}},
	}}}}
	replies := func(what string, schema object) object {
		return object{"200": object{"description": what, "content": object{"application/json": object{"schema": schema}}}, "default": refused}
	}
	full := object{"type": "object", "description": "one answer; for several inputs an object with a list of such under results"}
	model := []any{object{"name": "model", "in": "path", "required": true, "schema": object{"type": "string", "enum": s.store.names}}}
	extra := func(name, what string) object {
		return object{"name": name, "in": "query", "schema": object{"type": "string", "enum": []string{"1"}}, "description": what}
	}
	extras := []any{extra("seen", "answer with the picture as the model sees it"), extra("words", "answer with the words of a text by how much they weigh")}
	class := object{"type": "object", "properties": object{"result": object{"type": "string"}}}
	wish := object{"application/json": object{"schema": object{"type": "object", "required": []string{"text"}, "properties": object{
		"text": object{"type": "string"}, "words": object{"type": "integer", "minimum": 1, "maximum": mostWords, "default": defaultWords},
		"temperature": object{"type": "number", "default": .8}, "min_p": object{"type": "number", "default": 0}, "seed": object{"type": "integer"},
	}}}}
	text := replies("the text; with Accept: text/event-stream as events word, done and error, one a word", object{
		"type": "object", "properties": object{"result": object{"type": "string"}, "seed": object{"type": "integer"}},
	})
	kept := object{"multipart/form-data": object{"schema": object{"type": "object", "properties": object{
		"file": object{"type": "string", "format": "binary"}, "text": object{"type": "string"}, "label": object{"type": "string"}, "answer": object{"type": "string"},
	}}}}
	on := func(method, summary string, about object) object {
		about["summary"] = summary
		return object{method: about}
	}
	any1 := object{"type": "object"}
	writeJSON(w, http.StatusOK, object{
		"openapi": "3.1.0",
		"info":    object{"title": "fastnb serve", "version": "1"},
		"paths": object{
			"/analyze":                              on("post", "the class of one picture or text", object{"requestBody": object{"content": form}, "responses": replies("the class", class)}),
			"/api/predict":                          on("post", "all that the first model says", object{"parameters": extras, "requestBody": object{"content": form}, "responses": replies("the answer", full)}),
			"/api/models/{model}/predict":           on("post", "all that one model says", object{"parameters": append(model, extras...), "requestBody": object{"content": form}, "responses": replies("the answer", full)}),
			"/api/generate":                         on("post", "a text that the first model goes on from", object{"requestBody": object{"content": wish}, "responses": text}),
			"/api/models/{model}/generate":          on("post", "a text that one model goes on from", object{"parameters": model, "requestBody": object{"content": wish}, "responses": text}),
			"/api/models/{model}/flag":              on("post", "keep an input with its answer and what is right, where the server keeps flags", object{"parameters": model, "requestBody": object{"content": kept}, "responses": replies("it is kept", any1)}),
			"/api/models/{model}/examples/{number}": on("get", "a picture that the export carries", object{"parameters": append(model, object{"name": "number", "in": "path", "required": true, "schema": object{"type": "integer"}}), "responses": object{"200": object{"description": "the picture"}, "default": refused}}),
			"/api/models":                           on("get", "which models there are", object{"responses": replies("the models", any1)}),
			"/api/queue":                            on("get", "how many requests wait; with id, the request's X-Request-Id, how many stand before it", object{"responses": replies("the numbers", any1)}),
			"/healthz":                              on("get", "whether the server is up", object{"responses": replies("it is", any1)}),
		},
	})
}
