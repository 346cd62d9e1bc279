// Package text brings texts: their tokens, vocabularies, lists of them, and batches for language models
// and classifiers.
//
// It is an application of the upper storey beside vision: it imports fastnb, fastnb/data, models and what
// lies below them, and plotting, datasets and cell.
//
// The walk of a text: the [Tokenizer] cleans it by rules (HTML, repetitions, blanks), cuts it into words as
// an English reader would, and marks capitals by tokens of their own; a data.Vocab, made of the training
// texts when they get their labels, numbers the words; a [Text] holds the numbers.
//
//	dataLM, err := TextListFromFolder(path).
//		FilterByFolder("train", "test", "unsup").
//		SplitByRandPct(0.1).
//		LabelForLM().
//		DataBunch(BS(48))
//	dataClas, err := TextListFromFolder(path, WithVocab(dataLM.Vocab.Itos)).
//		SplitByFolder("train", "test").
//		LabelFromFolder(Classes("neg", "pos")).
//		DataBunch(BS(48))
//
// # What batches hold
//
// A language model's batch has X[0] int64 [N, T], the numbers of the words, and Y[0] int64 [N, T], for each
// the number of the word that follows. N is BS (ValBS for validation) and T is BPTT (70) in every batch.
// All texts stand one behind the other in one long circle; row j of the first batch starts at the j-th
// N-th part of it, and row j of each batch goes on where row j of the batch before ended, so that a model
// may keep its state. In training every epoch has the texts in a random order of its own.
// A batch's N counts rows, and Index is nil. The label kind's name is "lm" and its loss is cross-entropy
// over the words of the vocabulary.
//
// A classifier's batch has X[0] int64 [N, T], T the longest text of the batch, shorter ones filled up in
// front with data.PadID (1), and Y[0] as the label kind has it: int64 [N] for classes. Training batches
// come from chunks of 50·BS random texts sorted by length, the longest text first of all; other sets are
// sorted by length, longest first. Index says which items of the data set the rows are.
//
// DataBunch.Vocab is the vocabulary of both.
package text
