package download

import "testing"

func TestRangeStart(t *testing.T) {
	tests := []struct {
		header string
		want   int64
		ok     bool
	}{
		{"bytes 5-9/10", 5, true},
		{"bytes 0-9/*", 0, true},
		{"5-9/10", 0, false},
		{"bytes */10", 0, false},
		{"", 0, false},
	}
	for _, tt := range tests {
		if got, ok := rangeStart(tt.header); got != tt.want || ok != tt.ok {
			t.Errorf("rangeStart(%q) = %d, %v, want %d, %v", tt.header, got, ok, tt.want, tt.ok)
		}
	}
}
