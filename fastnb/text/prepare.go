package text

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/fastnb/data"
)

// reader gives the text that a reference names.
type reader func(ref string) (string, error)

// prepare tokenizes texts, in as many goroutines as there are cores, and numbers their words by the
// kind's vocabulary, or with fit by one it makes of them.
func prepare(k textual, refs []string, read reader, fit bool) (data.Preparer, []data.Item, error) {
	c := k.conf()
	if !fit && c.vocab == nil {
		return nil, nil, fmt.Errorf("the texts have no vocabulary yet")
	}
	p := &preparation{config: c, refs: refs, read: read, docs: make([]doc, len(refs))}
	if err := p.run(); err != nil {
		return nil, nil, err
	}
	if c.vocab == nil {
		c.vocab = p.vocab()
	}
	return k.with(c), p.items(c.vocab), nil
}

// ProcessAll gives the tokens of texts, in as many goroutines as there are cores. A panic of a rule is an
// error that names the text; the interrupt of the cell ends it.
func (t *Tokenizer) ProcessAll(texts []string) ([][]string, error) {
	plain := func(s string) (string, error) { return s, nil }
	p := &preparation{config: config{tok: t}, refs: texts, read: plain, docs: make([]doc, len(texts))}
	if err := p.run(); err != nil {
		return nil, fmt.Errorf("fastnb: %w", err)
	}
	out := make([][]string, len(texts))
	for k, d := range p.docs {
		out[k] = make([]string, len(d.ids))
		for i, id := range d.ids {
			out[k][i] = d.by.words[id]
		}
	}
	return out, nil
}

// preparation is the tokenizing of a list.
type preparation struct {
	config
	refs  []string
	read  reader
	docs  []doc
	words []*lexicon // one of each worker
	next  atomic.Int64
}

// doc is the numbers of a text in the lexicon of the worker that made them.
type doc struct {
	ids []int32
	by  *lexicon
}

// run starts the workers and waits. The first broken text in the order of the list is the error.
func (p *preparation) run() error {
	ctx, cancel := context.WithCancel(cell.Context())
	defer cancel()
	bar := cell.NewProgress("tokenizing texts", len(p.refs))
	defer bar.Done()
	n := max(1, min(runtime.GOMAXPROCS(0), len(p.refs)))
	errs := make([]error, n)
	broken := make([]int, n)
	var wg sync.WaitGroup
	for w := range n {
		lex := newLexicon(p.tok)
		p.words = append(p.words, lex)
		wg.Add(1)
		go func() {
			defer wg.Done()
			if broken[w], errs[w] = p.work(ctx, lex, bar); errs[w] != nil {
				cancel()
			}
		}()
	}
	wg.Wait()
	first := -1
	for w, err := range errs {
		if err != nil && (first < 0 || broken[w] < broken[first]) {
			first = w
		}
	}
	switch {
	case first >= 0:
		return errs[first]
	case cell.Interrupted() != nil:
		return cell.ErrInterrupted
	}
	return nil
}

// work takes one text after the other until there are none.
func (p *preparation) work(ctx context.Context, lex *lexicon, bar *cell.Progress) (at int, err error) {
	defer func() {
		if r := recover(); r != nil { // a rule of the reader's own
			err = fmt.Errorf("tokenize: %s: %v", short(p.refs[at]), r)
		}
	}()
	for ctx.Err() == nil {
		if at = int(p.next.Add(1)) - 1; at >= len(p.refs) {
			break
		}
		s, err := p.read(p.refs[at])
		if err != nil {
			return at, err
		}
		p.docs[at] = doc{lex.number(at, p.frame(s)), lex}
		bar.Add(1)
	}
	return 0, nil
}

// short is the start of a reference that may be a long text.
func short(s string) string {
	const most = 80
	if r := []rune(s[:min(len(s), 4*most)]); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// vocab makes the vocabulary of all lexicons: words in the order in which the list has them first.
func (p *preparation) vocab() *data.Vocab {
	type word struct {
		text  string
		count int
		first uint64
	}
	at := map[string]int{}
	var all []word
	for _, lex := range p.words {
		for id, w := range lex.words {
			k, ok := at[w]
			if !ok {
				k = len(all)
				at[w] = k
				all = append(all, word{text: w, first: lex.first[id]})
			}
			all[k].count += lex.counts[id]
			all[k].first = min(all[k].first, lex.first[id])
		}
	}
	slices.SortFunc(all, func(a, b word) int { return cmp.Compare(a.first, b.first) })
	words, counts := make([]string, len(all)), make([]int, len(all))
	for k, w := range all {
		words[k], counts[k] = w.text, w.count
	}
	return data.VocabFromCounts(words, counts, p.most, p.minFreq)
}

// items renumbers the texts by the vocabulary.
func (p *preparation) items(v *data.Vocab) []data.Item {
	maps := map[*lexicon][]int32{}
	for _, lex := range p.words {
		m := make([]int32, len(lex.words))
		for id, w := range lex.words {
			m[id] = int32(v.Stoi[w])
		}
		maps[lex] = m
	}
	items := make([]data.Item, len(p.docs))
	for k, d := range p.docs {
		m := maps[d.by]
		for i, id := range d.ids {
			d.ids[i] = m[id]
		}
		items[k] = &Text{ids: d.ids, vocab: v}
	}
	return items
}

// lexicon numbers the words that one worker meets, in the order it meets them.
type lexicon struct {
	tok    *Tokenizer
	words  []string
	ids    map[string]int32
	counts []int
	first  []uint64           // text and place in it where each word stood first
	cache  map[string][]int32 // numbers of the tokens of a piece
	buf    []int32
}

func newLexicon(t *Tokenizer) *lexicon {
	return &lexicon{tok: t, ids: map[string]int32{}, cache: map[string][]int32{}}
}

// mostCached bounds the memory of the cache of pieces.
const mostCached = 1 << 18

// number tokenizes text k of the list and numbers its tokens.
func (l *lexicon) number(k int, s string) []int32 {
	l.buf = l.buf[:0]
	place := uint64(k) << 32
	if !l.tok.single {
		for _, t := range l.tok.Process(s) {
			l.buf = append(l.buf, l.id(t, place+uint64(len(l.buf))))
		}
	} else {
		pieces(l.tok.Clean(s), func(piece string) {
			ids, ok := l.cache[piece]
			if !ok {
				ids = l.learn(piece, place+uint64(len(l.buf)))
			}
			l.buf = append(l.buf, ids...)
		})
	}
	for _, id := range l.buf {
		l.counts[id]++
	}
	return slices.Clone(l.buf)
}

// learn cuts a piece that is new and keeps what it becomes.
func (l *lexicon) learn(piece string, place uint64) []int32 {
	tokens := l.tok.cut.cut(nil, piece)
	for _, r := range l.tok.post {
		tokens = r.Tokens(tokens)
	}
	ids := make([]int32, len(tokens))
	for i, t := range tokens {
		ids[i] = l.id(t, place+uint64(i))
	}
	if len(l.cache) >= mostCached {
		clear(l.cache)
	}
	// The piece is a part of a whole text, which must not stay in memory for it.
	l.cache[string([]byte(piece))] = ids
	return ids
}

// id is the number of a word, a new one at its first place.
func (l *lexicon) id(w string, place uint64) int32 {
	id, ok := l.ids[w]
	if !ok {
		id = int32(len(l.words))
		w = string([]byte(w)) // see learn
		l.ids[w] = id
		l.words, l.counts, l.first = append(l.words, w), append(l.counts, 0), append(l.first, place)
	}
	return id
}
