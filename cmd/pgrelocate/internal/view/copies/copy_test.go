package copies

import "testing"

// The account never says that something moved, or that nothing had to, where that is not so.
func TestMoved(t *testing.T) {
	tests := []struct {
		name string
		copy Copy
		want string
	}{
		{"all is there", Copy{Present: 5}, "nothing had to move"},
		{"all has failed", Copy{Failed: 5}, "nothing was moved"},
		{"some are there, the rest has failed", Copy{Present: 4, Failed: 1}, "nothing was moved"},
		{"a signature is refused", Copy{Present: 5, Incomplete: 1}, "nothing was moved"},
		{"every upload is refused", Copy{Failed: 5, BytesSent: 16 << 20}, "nothing was moved: 16 MiB were sent, and no blob was taken"},
		{"moved", Copy{Copied: 5, BytesSent: 16 << 20, planned: 16 << 20, BlobsUploaded: 5, BlobsMounted: 2, BlobsPresent: 1, DurationSeconds: 2},
			"moved 16 MiB in 2s (8.0 MiB/s): 5 blobs uploaded, 2 mounted, 1 present"},
		{"only mounted", Copy{Copied: 5, BlobsMounted: 2}, "moved 0 B in 0s: 0 blobs uploaded, 2 mounted, 0 present"},
		{"some moved, some refused", Copy{Copied: 1, Failed: 4, BytesSent: 1 << 20, planned: 5 << 20, BlobsUploaded: 1, DurationSeconds: 1},
			"moved 1.0 MiB in 1s (1.0 MiB/s): 1 blob uploaded, 0 mounted, 0 present"},
		{"a mount was refused", Copy{Copied: 2, BytesSent: 5 << 20, planned: 3 << 20, BlobsUploaded: 2, DurationSeconds: 1},
			"moved 5.0 MiB in 1s (5.0 MiB/s): 2 blobs uploaded, 0 mounted, 0 present\n2.0 MiB of it again: mounts were refused, or transfers began anew"},
	}
	for _, tt := range tests {
		if got := tt.copy.moved(); got != tt.want {
			t.Errorf("%s: moved() = %q, want %q", tt.name, got, tt.want)
		}
	}
}
