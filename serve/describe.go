package serve

import (
	"net/http"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/vision"
)

// modelInfo is what a model takes and gives.
type modelInfo struct {
	Name    string   `json:"name"`
	Arch    string   `json:"architecture,omitempty"`
	Takes   string   `json:"takes"` // "picture" or "text"
	Gives   string   `json:"gives"` // "class", "labels", "mask", "points" or "values"
	Classes []string `json:"classes,omitempty"`
}

func infoOf(name string, m *fastnb.Model) modelInfo {
	d := m.Data()
	i := modelInfo{Name: name, Takes: "picture", Classes: d.Classes}
	if a := m.Arch(); a != nil {
		i.Arch = a.Kind + " " + a.Name
	}
	if _, ok := d.Kind().(data.TextOpener); ok {
		i.Takes = "text"
	}
	switch kind := d.LabelKind().Name(); {
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
	seen := object{"name": "seen", "in": "query", "schema": object{"type": "string", "enum": []string{"1"}}, "description": "answer with the picture as the model sees it"}
	writeJSON(w, http.StatusOK, object{
		"openapi": "3.1.0",
		"info":    object{"title": "fastnb serve", "version": "1"},
		"paths": object{
			"/analyze": object{"post": object{"summary": "the class of one picture or text", "requestBody": object{"content": form}, "responses": replies("the class", object{
				"type": "object", "properties": object{"result": object{"type": "string"}},
			})}},
			"/api/predict":                object{"post": object{"summary": "all that the first model says", "parameters": []any{seen}, "requestBody": object{"content": form}, "responses": replies("the answer", full)}},
			"/api/models/{model}/predict": object{"post": object{"summary": "all that one model says", "parameters": append(model, seen), "requestBody": object{"content": form}, "responses": replies("the answer", full)}},
			"/api/models":                 object{"get": object{"summary": "which models there are", "responses": replies("the models", object{"type": "object"})}},
			"/healthz":                    object{"get": object{"summary": "whether the server is up", "responses": replies("it is", object{"type": "object"})}},
		},
	})
}
