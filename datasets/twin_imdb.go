package datasets

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

func init() {
	twins["imdb"] = generator{items: 1000, fixed: true, draw: drawIMDB}
	twins["imdb_sample"] = generator{items: 1000, fixed: true, draw: drawIMDBSample}
}

const reviewSeed = 1982

// The streams of reviews, so that no two parts share one.
const (
	streamTrain = iota << 32
	streamTest
	streamUnsup
	streamSample
)

// drawIMDB writes n training reviews, half good and half bad, half as many for testing, and n without a
// rating, in the real set's layout: a file each, named by its number and rating.
func drawIMDB(ctx context.Context, dir string, o order) error {
	parts := []struct {
		folder string
		stream uint64
		count  func(n int) int
		rated  bool
	}{
		{"train", streamTrain, func(n int) int { return n }, true},
		{"test", streamTest, func(n int) int { return (n + 1) / 2 }, true},
		{"unsup", streamUnsup, func(n int) int { return n }, false},
	}
	todo := 0
	for _, p := range parts {
		todo += p.count(o.n)
	}
	bar := newCount("writing reviews", todo)
	defer bar.done()
	for _, p := range parts {
		from := 0
		if o.have > 0 {
			from = p.count(o.have)
		}
		for _, label := range []string{"pos", "neg"} {
			folder := filepath.Join(dir, p.folder, label)
			if !p.rated {
				folder = filepath.Join(dir, p.folder)
			}
			if err := os.MkdirAll(folder, 0o777); err != nil {
				return err
			}
		}
		bar.add(int64(from))
		err := inParallel(ctx, from, p.count(o.n), func(i int) error {
			defer bar.add(1)
			r := writeReview(p.stream+uint64(i), i%2 == 0)
			name := filepath.Join(dir, p.folder, fmt.Sprintf("%d_0.txt", i))
			if p.rated {
				name = filepath.Join(dir, p.folder, r.label("neg", "pos"), fmt.Sprintf("%d_%d.txt", i/2, r.rating))
			}
			return os.WriteFile(name, []byte(r.text), 0o666)
		})
		if err != nil {
			return err
		}
	}
	return writeFile(filepath.Join(dir, "README"), []byte(reviewReadme))
}

const reviewReadme = `Film reviews written by a program: no film, person or opinion in them is real.
train/pos, train/neg, test/pos, test/neg, unsup: a review a file, named number_rating.txt
(rating 7 to 10 in pos, 1 to 4 in neg, 0 for unsup, which has both).
`

// drawIMDBSample writes texts.csv with n reviews, the last fifth marked for validation.
func drawIMDBSample(ctx context.Context, dir string, o order) error {
	texts := make([]review, o.n)
	err := inParallel(ctx, 0, o.n, func(i int) error {
		rng := rand.New(rand.NewPCG(reviewSeed, uint64(streamSample)+uint64(i)))
		texts[i] = writeReview(streamSample+uint64(i), rng.IntN(2) == 0)
		return nil
	})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"label", "text", "is_valid"}) // a bytes.Buffer takes everything
	for i, r := range texts {
		valid := "False"
		if i >= o.n-o.n/5 {
			valid = "True"
		}
		_ = w.Write([]string{r.label("negative", "positive"), r.text, valid})
	}
	w.Flush()
	return writeFile(filepath.Join(dir, "texts.csv"), b.Bytes())
}

// review is a generated opinion.
type review struct {
	text   string
	good   bool
	rating int
}

func (r review) label(bad, good string) string {
	if r.good {
		return good
	}
	return bad
}

// author writes one review: what it has said of the film stays so.
type author struct {
	rng   *rand.Rand
	good  bool
	facts map[string]string
}

// doubt is how often an opinion goes against the review's verdict.
const doubt = .3

// writeReview writes the review of a number. The same number always gives the same.
func writeReview(number uint64, good bool) review {
	a := &author{rng: rand.New(rand.NewPCG(reviewSeed, number)), good: good, facts: map[string]string{}}
	r := review{good: good, rating: 1 + a.rng.IntN(4)}
	if good {
		r.rating += 6
	}
	a.facts["rating"] = strconv.Itoa(r.rating)
	a.facts["year"] = strconv.Itoa(1930 + a.rng.IntN(78))
	for _, fact := range []string{"title", "genre", "star", "costar", "maker", "hero", "villain", "where"} {
		a.facts[fact] = a.expand("{new-" + fact + "}")
	}
	var paragraphs []string
	for _, p := range a.plan() {
		paragraphs = append(paragraphs, a.paragraph(p))
	}
	r.text = strings.Join(paragraphs, "<br /><br />")
	return r
}

// plan is what each paragraph is about: kinds of sentences.
func (a *author) plan() [][]string {
	repeat := func(kind string, least, most int) []string {
		return strings.Fields(strings.Repeat(kind+" ", least+a.rng.IntN(most-least+1)))
	}
	join := func(ss ...[]string) (out []string) {
		for _, s := range ss {
			out = append(out, s...)
		}
		return out
	}
	story, opinions := repeat("story", 1, 6), repeat("opinion", 3, 8)
	open, end := []string{"opening"}, []string{"verdict"}
	switch a.rng.IntN(6) {
	case 4, 5: // some have little to say
		return [][]string{join(open, repeat("opinion", 0, 2), end[:a.rng.IntN(2)])}
	case 0:
		return [][]string{join(open, story, opinions, end)}
	case 1:
		return [][]string{join(open, story), join(opinions, end)}
	case 2:
		return [][]string{join(open, opinions), join(story, repeat("aside", 0, 2)), join(repeat("opinion", 1, 3), end)}
	}
	return [][]string{open, join(story, repeat("aside", 0, 1)), join(opinions, end)}
}

func (a *author) paragraph(kinds []string) string {
	var b strings.Builder
	for k, kind := range kinds {
		if k > 0 {
			b.WriteByte(' ')
		}
		switch kind {
		case "opening", "verdict":
			kind += sign(a.good)
		case "opinion":
			if a.rng.Float64() < doubt {
				kind = "concession" + sign(!a.good)
			} else {
				kind += sign(a.good)
			}
		}
		b.WriteString(sentence(a.expand("{" + kind + "}")))
	}
	return b.String()
}

func sign(good bool) string {
	if good {
		return "+"
	}
	return "-"
}

var symbol = regexp.MustCompile(`\{([^{}]*)\}`)

// expand replaces symbols until there are none: {fact} by what is settled of the film, {rule} by one of
// its forms, {list} by one of its words, {list:form} by that word inflected, {a|b} by a or b.
func (a *author) expand(s string) string {
	for {
		at := symbol.FindStringIndex(s)
		if at == nil {
			return s
		}
		s = s[:at[0]] + a.symbol(s[at[0]+1:at[1]-1]) + s[at[1]:]
	}
}

func (a *author) symbol(name string) string {
	if strings.Contains(name, "|") {
		return a.pick(strings.Split(name, "|"))
	}
	name, form, _ := strings.Cut(name, ":")
	if f, ok := a.facts[name]; ok {
		return f
	}
	if rule, ok := reviewGrammar[name]; ok {
		return a.pick(rule)
	}
	// Words have a favourite order: the first of a list are used much more than the last, as in any text.
	list := reviewWords[name]
	u := a.rng.Float64()
	return inflect(list[spread(int(u*u*float64(len(list))), len(list))], form)
}

// spread turns a rank into a place of an alphabetical list, so that frequent words are not all A's.
func spread(rank, n int) int {
	const step = 37 // a prime that no list's length is a multiple of
	return rank * step % n
}

func (a *author) pick(of []string) string { return of[a.rng.IntN(len(of))] }

// inflect makes a form of a regular word: s, ed and ing of verbs, pl of nouns.
func inflect(w, form string) string {
	end := w[len(w)-1]
	before := byte('a')
	if len(w) > 1 {
		before = w[len(w)-2]
	}
	vowel := func(c byte) bool { return strings.IndexByte("aeiou", c) >= 0 }
	if past, ok := irregular[w]; ok && form == "ed" {
		return past
	}
	switch form {
	case "s", "pl":
		switch {
		case form == "pl" && strings.HasSuffix(w, "man") && w != "german":
			return w[:len(w)-2] + "en"
		case end == 'y' && !vowel(before):
			return w[:len(w)-1] + "ies"
		case end == 's' || end == 'x' || end == 'z' || end == 'h' && (before == 's' || before == 'c'):
			return w + "es"
		}
		return w + "s"
	case "ed", "ing":
		switch {
		case form == "ed" && end == 'e':
			return w + "d"
		case form == "ing" && end == 'e' && before != 'e':
			return w[:len(w)-1] + "ing"
		case form == "ed" && end == 'y' && !vowel(before):
			return w[:len(w)-1] + "ied"
		case doubled[w]:
			return w + string(end) + form
		}
		return w + form
	}
	return w
}

var irregular = map[string]string{
	"forget": "forgot", "forgive": "forgave", "meet": "met", "mistake": "mistook", "overhear": "overheard", "shoot": "shot",
	"teach": "taught", "break": "broke", "build": "built", "buy": "bought", "find": "found", "hide": "hid", "keep": "kept",
	"lose": "lost", "sell": "sold", "steal": "stole", "throw": "threw", "wear": "wore", "weep": "wept", "sing": "sang",
	"burn": "burnt", "dream": "dreamt",
}

var doubled = map[string]bool{
	"kidnap": true, "rob": true, "slap": true, "drop": true, "forget": true, "regret": true,
}

var article = regexp.MustCompile(`\b([Aa]) ([aeioAEIO]|u[^ns]|un[^i]|unin|hour|honest)`)

// sentence starts with a capital and has the right articles.
func sentence(s string) string {
	s = article.ReplaceAllString(s, "${1}n $2")
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}
