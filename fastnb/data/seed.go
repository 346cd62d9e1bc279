package data

import (
	crand "crypto/rand"
	"encoding/binary"
	"math/rand/v2"
	"sync"
)

var global = struct {
	sync.Mutex
	numpy  *mt19937
	seed   uint64
	shows  uint64 // how many samples were drawn for showing since the seed was set
	listen []func(uint64)
}{}

func init() {
	var b [8]byte
	_, _ = crand.Read(b[:]) // never fails: crypto/rand ends the program instead
	setSeed(binary.LittleEndian.Uint64(b[:]))
}

// Seed fixes everything random: splits, shuffling, augmentation, and what other packages draw (initial
// weights, dropout). The same seed, device and number of threads give the same numbers, whatever the
// number of loader workers. Splits are those NumPy makes after np.random.seed(n).
func Seed(n int) {
	setSeed(uint64(n))
	global.Lock()
	fs := append([]func(uint64){}, global.listen...)
	global.Unlock()
	for _, f := range fs {
		f(uint64(n))
	}
}

func setSeed(n uint64) {
	global.Lock()
	defer global.Unlock()
	global.seed, global.shows, global.numpy = n, 0, newMT19937(uint32(n))
}

// OnSeed has f called by every Seed, and now with the seed in force.
func OnSeed(f func(seed uint64)) {
	global.Lock()
	global.listen = append(global.listen, f)
	n := global.seed
	global.Unlock()
	f(n)
}

// CurrentSeed is what Seed was last given, or a random number of this process.
func CurrentSeed() uint64 {
	global.Lock()
	defer global.Unlock()
	return global.seed
}

// withNumpy runs f with the global generator, seeded anew first if seed is not nil.
func withNumpy(seed *int, f func(*mt19937)) {
	global.Lock()
	defer global.Unlock()
	if seed != nil {
		global.numpy = newMT19937(uint32(*seed))
	}
	f(global.numpy)
}

// nextShow numbers the samples drawn for showing; they have streams of their own, so that looking at
// data does not change a training.
func nextShow() uint64 {
	global.Lock()
	defer global.Unlock()
	global.shows++
	return global.shows
}

// ShowRand is a generator for what is drawn only to be looked at: it follows Seed, and using it does not
// change a training.
func ShowRand() *rand.Rand { return stream(CurrentSeed(), streamShow, nextShow()) }

// The uses of derived streams, so that no two share numbers.
const (
	streamShuffle = 0x5348 + iota
	streamItem
	streamShow
)

// stream derives a generator from the seed and the numbers that say what it is for.
func stream(seed uint64, parts ...uint64) *rand.Rand {
	a, b := mix64(seed), mix64(seed^0x9e3779b97f4a7c15)
	for _, p := range parts {
		a = mix64(a ^ p)
		b = mix64(b + mix64(p+0x632be59bd9b4e019))
	}
	return rand.New(rand.NewPCG(a, b))
}

// mix64 is the finaliser of SplitMix64: every bit of x changes about half of the result's.
func mix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
