package fanout

import (
	"math/rand/v2"
	"testing"
)

// Room is given out once, and comes back.
func TestSpoolGivesRoom(t *testing.T) {
	s := newSpool(t.TempDir(), 1000, nil)
	defer s.close()
	type held struct{ base, size int64 }
	var all []held
	roll := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		if roll.IntN(2) == 0 && len(all) > 0 {
			i := roll.IntN(len(all))
			s.give(all[i].base, all[i].size)
			all = append(all[:i], all[i+1:]...)
			continue
		}
		size := int64(1 + roll.IntN(200))
		base, ok := s.take(size)
		if !ok {
			continue
		}
		if base < 0 || base+size > 1000 {
			t.Fatalf("take(%d) = %d, outside of the file", size, base)
		}
		for _, other := range all {
			if base < other.base+other.size && other.base < base+size {
				t.Fatalf("take(%d) = %d, which overlaps %+v", size, base, other)
			}
		}
		all = append(all, held{base, size})
	}
	for _, h := range all {
		s.give(h.base, h.size)
	}
	if len(s.free) != 1 || s.free[0] != (extent{0, 1000}) {
		t.Errorf("after all was given back %v is free, want the whole file", s.free)
	}
	if _, ok := s.take(1001); ok {
		t.Error("take(1001) of 1000 succeeded")
	}
}
