// Package data makes batches of files and tables: item lists, splits, labels, transforms and the
// loaders that feed training.
//
// It is the lowest room of the middle storey: it imports tensor, nn (for the loss that goes with a kind
// of label), plotting, datasets and cell. fastnb trains from its [DataBunch]; vision and text bring the
// kinds of item ([Kind]), their targets ([LabelKind]) and their transforms ([Augmenter]).
//
// The walk of the data, each stage a type of its own so that a step out of order does not compile:
//
//	ItemList (files or rows)  → SplitByRandPct … → SplitList (train, valid)
//	SplitList                 → LabelFromTable … → LabelLists (items with targets)
//	LabelLists                → Transform, Normalize, AddTest → LabelLists
//	LabelLists                → DataBunch → Datasets and Loaders of batches
//
// Every stage holds the first error; later calls do nothing and DataBunch returns it (Err asks
// earlier). Stages are never changed in place: each call gives a new value, so several DataBunches can
// be made of one labelled list.
//
// All randomness comes from [Seed]: splits from a generator that gives NumPy's numbers, shuffling and
// augmentation from streams derived of (seed, epoch, item), so that results do not depend on the number
// of workers.
package data
