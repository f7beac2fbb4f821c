package remote

import (
	"testing"
)

func TestUploadedBytes(t *testing.T) {
	tests := map[string]int64{"": 0, "0-0": 0, "0-24": 25, "bytes=0-9": 10, "0-": 0, "0--5": 0, "x": 0}
	for header, want := range tests {
		if got := uploadedBytes(header); got != want {
			t.Errorf("uploadedBytes(%q) = %d, want %d", header, got, want)
		}
	}
}
