package contrast

import (
	"fmt"
	"slices"
	"testing"
)

func TestCompare(t *testing.T) {
	item := func(key, digest string, attached ...string) Item {
		return Item{Key: key, Name: key, Digest: digest, Attached: attached}
	}
	tests := []struct {
		name          string
		first, second []Item
		opts          Options
		want          []string
		counts        [3]int
	}{
		{"nothing", nil, nil, Options{}, nil, [3]int{}},
		{"the same", []Item{item("a", "1")}, []Item{item("a", "1")}, Options{}, nil, [3]int{1}},
		{"one side lacks", []Item{item("b", "1"), item("c", "1")}, []Item{item("a", "1"), item("c", "2")}, Options{},
			[]string{"a only in the second", "b only in the first", "c other content"}, [3]int{}},
		{"by name", []Item{item("a", "1")}, []Item{item("a", "")}, Options{}, nil, [3]int{1, 1}},
		{"a part may lack", []Item{item("a", "1"), item("b", "1")}, []Item{item("b", "1"), item("c", "")}, Options{Part: true},
			[]string{"c only in the second"}, [3]int{1, 0, 1}},
		{"a part that comes first", []Item{item("b", "1"), item("c", "")}, []Item{item("a", "1"), item("b", "1")}, Options{Part: true, First: true},
			[]string{"c only in the first"}, [3]int{1, 0, 1}},
		{"a tag with two digests", []Item{item("a", "1")}, []Item{item("a", "1"), item("a", "2")}, Options{Part: true}, []string{"a other content"}, [3]int{1}},
		{"attachments", []Item{item("a", "1", "x", "y"), item("b", "1", "x")}, []Item{item("a", "1", "y", "x"), item("b", "1")}, Options{WithAttached: true},
			[]string{"b other attachments"}, [3]int{1}},
		{"attachments that one side does not know", []Item{item("a", "1", "x")}, []Item{item("a", "1")}, Options{}, nil, [3]int{1}},
	}
	for _, tt := range tests {
		r := Compare(tt.first, tt.second, tt.opts)
		var got []string
		for _, d := range r.Differences {
			got = append(got, fmt.Sprintf("%s %s", d.Name, d.Kind))
		}
		if counts := [3]int{r.Same, r.ByName, r.Unused}; !slices.Equal(got, tt.want) || counts != tt.counts {
			t.Errorf("%s: Compare() = %q %v, want %q %v", tt.name, got, counts, tt.want, tt.counts)
		}
	}
}
