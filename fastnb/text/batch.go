package text

import (
	"errors"
	"fmt"
	"slices"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
)

// sortishChunk is how many batches' worth of texts are sorted together (fastai's SortishSampler).
const sortishChunk = 50

// byLength sorts texts, the longest first, equal ones as they were.
func byLength(order, lengths []int) {
	slices.SortStableFunc(order, func(a, b int) int { return lengths[b] - lengths[a] })
}

// sortedOrder is all texts, the longest first.
func sortedOrder(lengths []int) []int {
	order := make([]int, len(lengths))
	for k := range order {
		order[k] = k
	}
	byLength(order, lengths)
	return order
}

// sortishOrder is a random order in which neighbours are of like length: chunks of a permutation are
// sorted and cut into batches; the batch with the longest text comes first, so that memory that is too
// small shows at once, the others follow in a random order.
func sortishOrder(lengths []int, bs int, perm func(int) []int) []int {
	order := perm(len(lengths))
	for c := range slices.Chunk(order, bs*sortishChunk) {
		byLength(c, lengths)
	}
	batches := slices.Collect(slices.Chunk(order, bs))
	if len(batches) == 0 {
		return nil
	}
	longest := 0
	for k, b := range batches {
		if lengths[b[0]] > lengths[batches[longest][0]] {
			longest = k
		}
	}
	batches[0], batches[longest] = batches[longest], batches[0]
	out := append(make([]int, 0, len(order)), batches[0]...)
	for _, k := range perm(len(batches) - 1) {
		out = append(out, batches[1+k]...)
	}
	return out
}

// collate makes one tensor int64 [N, T] of texts, T the longest, at least 1.
func collate(items []data.Item, padFirst, backwards bool) ([]*tensor.Tensor, error) {
	if len(items) == 0 {
		return nil, errors.New("nothing to collate")
	}
	long := 1
	for k, x := range items {
		t, ok := x.(*Text)
		if !ok || t.vocab == nil {
			return nil, fmt.Errorf("item %d is no text with numbers: %T", k, x)
		}
		long = max(long, t.Len())
	}
	out := tensor.New(tensor.Int64, len(items), long)
	for k, x := range items {
		ids, row := x.(*Text).ids, out.Int64s()[k*long:(k+1)*long]
		pad, words := row[len(ids):], row[:len(ids)]
		if padFirst {
			pad, words = row[:long-len(ids)], row[long-len(ids):]
		}
		for i := range pad {
			pad[i] = data.PadID
		}
		for i, id := range ids {
			if backwards {
				words[len(ids)-1-i] = int64(id)
			} else {
				words[i] = int64(id)
			}
		}
	}
	return []*tensor.Tensor{out}, nil
}
