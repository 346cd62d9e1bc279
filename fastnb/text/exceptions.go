package text

import "strings"

// exceptions are the strings that are cut otherwise than the rules would, or not at all, with their
// pieces. The scheme is that of spaCy 2.3's English tokenizer.
func exceptions() map[string][]string {
	e := exceptionTable{}
	e.pronouns()
	e.questionWords()
	e.negations()
	e.words()
	for _, w := range loneWords() {
		e[w] = []string{w}
	}
	for _, w := range emoticons() {
		e[w] = []string{w}
	}
	// What has a straight apostrophe may have a curved one.
	for key, parts := range e {
		if strings.Contains(key, "'") {
			curved := make([]string, len(parts))
			for i, p := range parts {
				curved[i] = strings.ReplaceAll(p, "'", "’")
			}
			e[strings.ReplaceAll(key, "'", "’")] = curved
		}
	}
	for _, w := range words("‘S ‘s") {
		e[w] = []string{w}
	}
	return e
}

type exceptionTable map[string][]string

// add puts in an exception as written and with a capital.
func (e exceptionTable) add(parts ...string) {
	e[strings.Join(parts, "")] = parts
	parts = append([]string{title(parts[0])}, parts[1:]...)
	e[strings.Join(parts, "")] = parts
}

// addClitic puts in a word with what leans on it, with its apostrophe and without.
func (e exceptionTable) addClitic(word string, clitics ...string) {
	e.add(append([]string{word}, clitics...)...)
	bare := []string{word}
	for _, c := range clitics {
		bare = append(bare, strings.ReplaceAll(c, "'", ""))
	}
	e.add(bare...)
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func (e exceptionTable) pronouns() {
	e.addClitic("i", "'m")
	e.addClitic("i", "'m", "a")
	for _, p := range words("i you he she it we they") {
		e.addClitic(p, "'ll")
		e.addClitic(p, "'ll", "'ve")
		e.addClitic(p, "'d")
		e.addClitic(p, "'d", "'ve")
	}
	for _, p := range words("i you we they") {
		e.addClitic(p, "'ve")
	}
	for _, p := range words("you we they") {
		e.addClitic(p, "'re")
	}
	for _, p := range words("he she it") {
		e.addClitic(p, "'s")
	}
}

func (e exceptionTable) questionWords() {
	for _, w := range words("who what when where why how there that this these those") {
		for _, c := range words("'s 'll 're 've 'd") {
			e.addClitic(w, c)
		}
		e.addClitic(w, "'ll", "'ve")
		e.addClitic(w, "'d", "'ve")
	}
}

func (e exceptionTable) negations() {
	for _, v := range words("ca could do does did had may might must need ought sha should wo would") {
		e.addClitic(v, "n't")
		e.addClitic(v, "n't", "'ve")
	}
	for _, v := range words("could might must should would") {
		e.addClitic(v, "'ve")
	}
	for _, v := range words("ai are is was were have has dare") {
		e.addClitic(v, "n't")
	}
}

func (e exceptionTable) words() {
	// Without their apostrophe these are other words.
	for _, w := range words("ill its hell shell shed were well whore") {
		delete(e, w)
		delete(e, title(w))
	}
	e.add("how", "'d", "'y")
	e.add("c'm", "on")
	e.addClitic("not", "'ve")
	e.add("can", "not")
	e.add("gon", "na")
	e.add("got", "ta")
	e.add("let", "'s")
	e["y'all"], e["yall"] = []string{"y'", "all"}, []string{"y", "all"}
	for _, h := range words("1 2 3 4 5 6 7 8 9 10 11 12") {
		for _, half := range words("am pm a.m. p.m.") {
			e[h+half] = []string{h, half}
		}
	}
}

func words(s string) []string { return strings.Fields(s) }

// loneWords are kept whole.
func loneWords() []string {
	w := words(`
		'S 's 'd 'll 're 'em em ll 'nuff nuff ' '' C++ w/o and/or — <space> \") ") \n \t ’ ’’
		co. D.C. Ph.D. Prof. Messrs. Mt. Adm. Bros. Co. Corp. Dr. Gen. Gov. Inc. Jr. Ltd. Mr. Mrs. Ms. Rep. Rev. Sen. St.
		a.m. p.m. v.s. vs. e.g. E.g. E.G. i.e. I.e. I.E. ä. ö. ü.
		Jan. Feb. Mar. Apr. May. Jun. Jul. Aug. Sep. Sept. Oct. Nov. Dec.
		Ak. Ala. Ariz. Ark. Calif. Colo. Conn. Del. Fla. Ga. Ia. Id. Ill. Ind. Kan. Kans. Ky. La. Mass. Md. Mich. Minn.
		Miss. Mo. Mont. N.C. N.D. N.H. N.J. N.M. N.Y. Neb. Nebr. Nev. Okla. Ore. Pa. S.C. Tenn. Va. Wash. Wis.`)
	for c := 'a'; c <= 'z'; c++ {
		w = append(w, string(c)+".")
	}
	for _, s := range words("doin goin nothin nuthin ol somethin lovin havin") {
		w = append(w, s, title(s), s+"'", title(s)+"'")
	}
	for _, s := range words("cause cos coz cuz bout") {
		w = append(w, "'"+s)
		if s != "bout" {
			w = append(w, "'"+title(s))
		}
	}
	return append(w, "ma'am", "Ma'am", "o'clock", "O'clock", " ", "\t", "\n", "\u00a0")
}

// emoticons are faces made of signs.
func emoticons() []string {
	var w []string
	// Eyes, an optional nose, and a mouth.
	for _, face := range []struct{ eyes, mouths string }{
		{":", ") )) ))) ( (( ((( ] } / | P p O o 0 * 3 > X x D"}, {";", ") D"}, {"8", ") D"},
	} {
		for _, m := range words(face.mouths) {
			w = append(w, face.eyes+m, face.eyes+"-"+m)
		}
	}
	w = append(w, words(`
		(: (-: (; (-; (-8 [: [-: ): )-: (= [= ]= =) =( =[ =] =/ =| =3 =D :1 :() :o) (o: :') :'-) :'( :'-( >:( >:o
		xD XD xDD XDD <3 <33 <333 </3
		^_^ ^__^ ^___^ >.< >.> <.< ._. ;_; -_- -__- v.v V.V v_v V_V @_@
		o_o o_O O_o O_O 0_o o_0 0_0 o.O O.o O.O o.o 0.0 o.0 0.o
		(^_^) (-_-) (._.) (>_<) (*_*) (¬_¬) ಠ_ಠ ಠ︵ಠ (ಠ_ಠ) ¯\(ツ)/¯ (╯°□°）╯︵┻━┻ ><(((*>`)...)
	return w
}
