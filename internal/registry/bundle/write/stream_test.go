package write_test

import (
	"reflect"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
)

// Parts that are fetched side by side do not end together, and all of a blob is in one of its parts.
func TestParts(t *testing.T) {
	const p = write.PartSize
	tests := []struct {
		name  string
		jobs  int
		size  int64
		blobs []int64
		want  [][2]int64
	}{
		{"the first grow", 2, p, []int64{3 * p}, [][2]int64{{0, p / 2}, {p / 2, p + p/2}, {p + p/2, 2*p + p/2}, {2*p + p/2, 3 * p}}},
		{"over blobs that are smaller", 4, p, []int64{p, 7}, [][2]int64{{0, p / 4}, {p / 4, p/4 + p/2}, {p/4 + p/2, p}, {0, 7}}},
		{"one at a time", 1, p, []int64{2*p + 1}, [][2]int64{{0, p}, {p, 2 * p}, {2 * p, 2*p + 1}}},
		{"as many as may be in memory", 1000, p, []int64{p / 10}, [][2]int64{{0, p / 10}}},
		{"blobs in one piece, and one of nothing", 8, 100 * p, []int64{9 * p, 0}, [][2]int64{{0, 9 * p}, {0, 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := write.Parts(tt.jobs, tt.size, tt.blobs...); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("Parts() = %v, want %v", got, tt.want)
			}
		})
	}
}
