package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the tables of docs/jobs.md instead of checking them")

const (
	page  = "../../../docs/jobs.md"
	start = "<!-- computed by `go run ./tests/bench/scale`: start -->\n"
	end   = "<!-- computed by `go run ./tests/bench/scale`: end -->\n"
)

// The page says what the program's cut comes to now.
func TestPage(t *testing.T) {
	text, err := report()
	if err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(body), start)
	_, after, whole := strings.Cut(rest, end)
	if !found || !whole {
		t.Fatalf("%s has no place for the tables", page)
	}
	want := before + start + string(text) + end + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(body)); diff != "" {
		t.Errorf("%s is not what the model says; go test ./tests/bench/scale -update writes it (-want +got):\n%s", page, diff)
	}
}

// Nobody is faster than lines allow, and one worker fetches nothing twice.
func TestModel(t *testing.T) {
	w := world(1000, 7)
	l := lines{Worker: 100 * mib, Source: 1000 * mib, SourceTrip: 0.03, TargetTrip: 0.002, Jobs: 8}
	one, err := simulate(w, 1, l)
	if err != nil {
		t.Fatal(err)
	}
	if one.again != 0 || one.split != 0 || one.heaviest != 1 {
		t.Errorf("simulate(1) = %+v, want nothing split", one)
	}
	var total float64
	for _, size := range w.Sizes {
		total += float64(size)
	}
	for _, n := range []int{2, 5, 10, 40} {
		o, err := simulate(w, n, l)
		if err != nil {
			t.Fatal(err)
		}
		if least := total / min(l.Source, float64(n)*l.Worker); o.seconds < least || o.seconds > one.seconds {
			t.Errorf("simulate(%d) takes %.0f s, want from %.0f to %.0f", n, o.seconds, least, one.seconds)
		}
		if o.again > o.worst {
			t.Errorf("simulate(%d) fetches %d bytes again, at worst %d", n, o.again, o.worst)
		}
	}
}
