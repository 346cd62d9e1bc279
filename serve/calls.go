package serve

import (
	"bytes"
	"html/template"
	"net/http"
	"strings"
	texttemplate "text/template"
)

// call is how one language asks a model.
type call struct{ Language, Code string }

// callOf is what a template for a call knows.
type callOf struct {
	URL, Model, Token string
	Do                string // "predict" or "generate"
	Text              bool
}

// templates of calls. Each is a whole program, or command, that can be copied and run.
var callTemplates = []struct{ language, text string }{
	{"curl", `{{if .Text}}curl {{if .Token}}-H "Authorization: Bearer $TOKEN" {{end}}-H 'Content-Type: application/json' \
  -d '{"text": "a fine film"}' {{.URL}}{{else}}curl {{if .Token}}-H "Authorization: Bearer $TOKEN" {{end}}-F file=@picture.jpg {{.URL}}{{end}}
`},
	{"Python", `import json, os, urllib.request

{{if .Text}}body = json.dumps({"text": "a fine film"}).encode()
kind = "application/json"
{{else}}body = open("picture.jpg", "rb").read()
kind = "image/jpeg"
{{end}}request = urllib.request.Request("{{.URL}}", body, {"Content-Type": kind{{if .Token}}, "Authorization": "Bearer " + os.environ["TOKEN"]{{end}}})
with urllib.request.urlopen(request) as reply:
    print(json.load(reply)["result"])
`},
	{"Go", `package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
{{if or (not .Text) .Token}}	"os"
{{end}}{{if .Text}}	"strings"
{{end}})

func main() {
{{if .Text}}	body := strings.NewReader(` + "`" + `{"text": "a fine film"}` + "`" + `)
{{else}}	body, err := os.Open("picture.jpg")
	if err != nil {
		log.Fatal(err)
	}
{{end}}	request, err := http.NewRequest("POST", "{{.URL}}", body)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Content-Type", "{{if .Text}}application/json{{else}}image/jpeg{{end}}")
{{if .Token}}	request.Header.Set("Authorization", "Bearer "+os.Getenv("TOKEN"))
{{end}}	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer reply.Body.Close()
	var answer struct{ Result, Error string }
	if err := json.NewDecoder(reply.Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Result, answer.Error)
}
`},
	{"JavaScript", `{{if .Text}}const body = JSON.stringify({text: 'a fine film'});
{{else}}import {readFile} from 'node:fs/promises'; // in a page: the file of an input element

const body = await readFile('picture.jpg');
{{end}}const reply = await fetch('{{.URL}}', {
  method: 'POST', body, headers: {'Content-Type': '{{if .Text}}application/json{{else}}image/jpeg{{end}}'{{if .Token}}, Authorization: 'Bearer ' + process.env.TOKEN{{end}}},
});
console.log((await reply.json()).result);
`},
}

// callsFor are the calls of a model in all languages.
func callsFor(base string, i modelInfo, token bool) ([]call, error) {
	c := callOf{Model: i.Name, Do: "predict", Text: i.Takes == "text"}
	if i.Gives == "text" {
		c.Do = "generate"
	}
	if token {
		c.Token = "yes"
	}
	c.URL = base + "/api/models/" + i.Name + "/" + c.Do // names need no escaping: see goodName
	var out []call
	for _, t := range callTemplates {
		parsed, err := texttemplate.New(t.language).Parse(t.text)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := parsed.Execute(&b, c); err != nil {
			return nil, err
		}
		out = append(out, call{t.language, b.String()})
	}
	return out, nil
}

// baseOf is the server's address as the client knows it, whatever stands before the server.
func baseOf(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// api is the description of the routes: a page for browsers, OpenAPI for programs.
func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Accept")
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		s.describe(w, r)
		return
	}
	type entry struct {
		modelInfo

		Calls []call
	}
	page := struct {
		Models []entry
		Token  bool
	}{Token: s.token != ""}
	for _, name := range s.store.names {
		m, done := s.store.byName[name].use()
		i := infoOf(name, m)
		done()
		calls, err := callsFor(baseOf(r), i, page.Token)
		if err != nil {
			writeError(w, err)
			return
		}
		page.Models = append(page.Models, entry{i, calls})
	}
	t, err := template.ParseFS(s.files, "api.html")
	if err != nil {
		t, err = template.ParseFS(builtin(), "api.html") // a page of somebody's own that cannot be read
	}
	var b bytes.Buffer
	if err == nil {
		err = t.Execute(&b, page)
	}
	if err != nil {
		s.cfg.Log.Error("page of the API", "error", err)
		writeError(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // a client that has gone is told nothing
}
