package data

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

// cacheVariable names the environment's budget in MB for data whose option CacheMB is not given.
const cacheVariable = "FASTNB_CACHE_MB"

// CacheMB lets the data keep opened items, pictures and masks as they were decoded and before any transform, from one
// epoch to the next until they take so many million bytes (default: FASTNB_CACHE_MB of the environment, or 0:
// none). What no longer fits is opened each time, as without it. Batches are the same; files that change after they
// were read are not read again. It pays where decoding is a large part of an epoch: large files, small networks, a
// graphics card. [DataBunch.Cached] tells what is kept.
func CacheMB(mb int) BunchOption {
	return bunchFunc(func(d *DataBunch) { d.cache = &itemCache{budget: int64(mb) * 1e6} })
}

// Keeper is an Item that can be used again and again: whatever is computed with it, it stays as it was opened.
type Keeper interface {
	// Keep says that the item is kept, so that Recycle lets its memory be, and gives the bytes that it takes.
	Keep() int64
}

// Cached says what a data bunch keeps of opened items.
type Cached struct {
	Items, Used   int   // items, targets among them; how often one was used again
	Bytes, Budget int64 // what they take, and may
}

// String says it in words.
func (c Cached) String() string {
	if c.Budget == 0 {
		return "no opened items are kept (try CacheMB(500), or FASTNB_CACHE_MB)"
	}
	return fmt.Sprintf("%d opened items are kept, %.1f of %.0f MB, used again %d times", c.Items, float64(c.Bytes)/1e6, float64(c.Budget)/1e6, c.Used)
}

// Cached tells what the option CacheMB keeps by now.
func (d *DataBunch) Cached() Cached {
	c := d.cache
	if c == nil {
		return Cached{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return Cached{Items: len(c.items), Used: c.used, Bytes: c.bytes, Budget: c.budget}
}

// itemCache is opened items of one bunch. What is in stays: an epoch takes every item once, so throwing out the one
// that was not used for longest would throw out just those that come next. A nil one keeps nothing.
type itemCache struct {
	mu            sync.Mutex
	items         map[cacheKey]Item
	bytes, budget int64
	used          int
	full          bool
}

// cacheKey is an item of a list, or its target.
type cacheKey struct {
	list   *LabelList
	index  int
	target bool
}

// open gives an item that is kept, or opens it and keeps it if it can be and there is room.
func (c *itemCache) open(k cacheKey, open func() (Item, error)) (Item, error) {
	if c == nil {
		return open()
	}
	c.mu.Lock()
	kept := c.items[k]
	if kept != nil {
		c.used++
	}
	full := c.full
	c.mu.Unlock()
	if kept != nil {
		return kept, nil
	}
	x, err := open()
	keeper, ok := x.(Keeper)
	if err != nil || !ok || full {
		return x, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.items[k] != nil { // another worker was first
		return x, nil
	}
	n := keeper.Keep()
	if c.bytes+n > c.budget {
		c.full = true // nothing smaller is looked for
		return x, nil
	}
	if c.items == nil {
		c.items = map[cacheKey]Item{}
	}
	c.items[k] = x
	c.bytes += n
	return x, nil
}

// cacheOfEnv is the cache that the environment asks for, or nil.
func cacheOfEnv() (*itemCache, error) {
	v := os.Getenv(cacheVariable)
	if v == "" {
		return nil, nil //nolint:nilnil // none is asked for
	}
	mb, err := strconv.Atoi(v)
	if err != nil || mb < 0 {
		return nil, fmt.Errorf("fastnb: data bunch: %s=%s is no number of MB (try %s=500)", cacheVariable, v, cacheVariable)
	}
	return &itemCache{budget: int64(mb) * 1e6}, nil
}
