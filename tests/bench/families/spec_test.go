package families

import "testing"

// What docs/performance.md says of the families is so.
func TestSpecs(t *testing.T) {
	one := New(1)
	var sum int64
	for _, size := range one.Layers {
		sum += size
	}
	if blobs := len(one.Layers) + len(one.Artifacts); len(one.Artifacts) != 23 || blobs != 59 || sum/1e7 != 160 {
		t.Errorf("New(1) has %d artifacts, %d blobs with their configurations, %d bytes, want 23, 59 and 1.60 GB", len(one.Artifacts), blobs, sum)
	}
	if got := len(Releases(100).Artifacts); got != 2201 {
		t.Errorf("Releases(100) has %d artifacts, want 2201", got)
	}
	if a, b := New(1).Key(), New(0.5).Key(); a == b {
		t.Errorf("families of two sizes have one key, %s", a)
	}
}
