package repository

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// What Helm, and what others write; the fallback for layouts that nobody foresaw is part of it.
func TestEntries(t *testing.T) {
	tests := []struct{ name, index, want string }{
		{"helm's", "apiVersion: v1\nentries:\n  a:\n  - version: 9.9.9\n  op:\n  - apiVersion: v2\n    description: |\n      entries:\n      - version: 7.7.7\n\n    version: 1.0.0\n    urls:\n    - x.tgz\n  - version: 2.0.0\n  z: []\ngenerated: now\n", "1.0.0 2.0.0"},
		{"deeper lists", "entries:\n    op:\n        - version: 1.0.0\n          urls: [x]\n        - version: 2.0.0\n", "1.0.0 2.0.0"},
		{"carriage returns, quotes, comments", "\r\nentries: # here\r\n  # ours\r\n  \"op\": # too\r\n  - version: 1.0.0\r\n    # one\r\n  -\r\n    version: 2.0.0\r\n", "1.0.0 2.0.0"},
		{"one line", "entries: {op: [{version: 1.0.0}, {version: 2.0.0}]}\n", "1.0.0 2.0.0"},
		{"one line a chart", "entries:\n  op: [{version: 1.0.0}, {version: 2.0.0}]\n", "1.0.0 2.0.0"},
		{"elements in flow style", "entries:\n  op:\n  - {version: 1.0.0}\n  - {version: 2.0.0}\n", "1.0.0 2.0.0"},
		{"anchors", "entries:\n  a:\n  - &one\n    version: 1.0.0\n  op:\n  - *one\n  - version: 2.0.0\n", "1.0.0 2.0.0"},
		{"indented as a whole", "  entries:\n    op:\n    - version: 1.0.0\n    - version: 2.0.0\n", "1.0.0 2.0.0"},
		{"no such chart", "entries:\n  a:\n  - version: 1.0.0\n", ""},
		{"none", "entries: {}\n", ""},
		{"none of it", "entries:\n  op: []\n", ""},
		{"JSON", `{"entries":{"op":[{"version":"1.0.0"},{"version":"2.0.0"}]}}`, "1.0.0 2.0.0"},
		{"twice", "entries:\n  op:\n  - version: 1.0.0\n  op:\n  - version: 2.0.0\n", "error"},
		{"entries twice", "entries:\n  op:\n  - version: 1.0.0\nentries:\n  op:\n  - version: 2.0.0\n", "error"},
		{"broken", "entries:\n  op:\n  - version: [1.0.0\n", "error"},
		{"a page", "<html>\n", "error"},
		{"nothing", "", "error"},
	}
	for _, tt := range tests {
		entries, err := (&index{[]byte(tt.index)}).entries(t.Context(), "op")
		var got []string
		for _, entry := range entries {
			got = append(got, entry.Version)
		}
		if tt.want == "error" != (err != nil) || err == nil && strings.Join(got, " ") != tt.want {
			t.Errorf("%s: entries() = %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

// dense is an index of as many entries as its bytes can have.
func dense(name string, count int) []byte {
	return []byte("entries:\n  op:\n  - version: 1.0.0\n  " + name + ":\n" + strings.Repeat("  - version: 1.0.0\n    urls: [x]\n", count))
}

// The other charts of a large index take no memory, and too many versions of the one that is asked
// for are refused. An index in another layout is small, or refused.
func TestDenseIndex(t *testing.T) {
	text := dense("other", 300_000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	entries, err := (&index{text}).entries(t.Context(), "op")
	runtime.ReadMemStats(&after)
	if err != nil || len(entries) != 1 {
		t.Errorf("entries() = %d, %v, want one", len(entries), err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 3*uint64(len(text)) {
		t.Errorf("%d bytes of an index took %d in all", len(text), took)
	}
	for name, text := range map[string][]byte{
		"versions": dense("op2", mostVersions+1),
		"a line":   []byte("entries: {op2: [" + strings.Repeat("{},", 400_000) + "]}\n"),
		"an item":  []byte("entries:\n  op2:\n  - urls:\n" + strings.Repeat("    - x\n", 200_000)),
	} {
		if _, err := (&index{text}).entries(t.Context(), "op2"); err == nil {
			t.Errorf("%s without bound: no error", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (&index{dense("op2", 10)}).entries(ctx, "op2"); err == nil || errors.Is(err, errLayout) {
		t.Errorf("entries() = %v after the end of the context", fmt.Sprint(err))
	}
}
