package valuepath

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitAndKey(t *testing.T) {
	tests := []struct {
		key  string
		want []string
	}{
		{"image", []string{"image"}},
		{"env[0].value", []string{"env", "[0]", "value"}},
		{"matrix[1][2]", []string{"matrix", "[1]", "[2]"}},
		{`annotations.example\.com/image`, []string{"annotations", "example.com/image"}},
		{"list[x]", []string{"list[x]"}},
		{"a..b", []string{"a", "", "b"}},
	}
	for _, tt := range tests {
		got := Split(tt.key)
		if !slices.Equal(got, tt.want) {
			t.Errorf("Split(%s) = %q, want %q", tt.key, got, tt.want)
		}
		if back := Key(got); back != tt.key {
			t.Errorf("Key(%q) = %s, want %s", got, back, tt.key)
		}
	}
}

func TestCheck(t *testing.T) {
	tests := []struct{ key, want string }{
		{"a.b[999].c", ""},
		{"a..b", "an empty element"},
		{"[0]", "begins with the number"},
		{"a[1000]", "beyond the end of any list"},
		{"a[99999999999999999999]", "beyond the end of any list"},
		{"a[x]", "no element of a key"},
		{strings.Repeat("a.", 32) + "b", "more than 32 elements"},
	}
	for _, tt := range tests {
		err := Check(Split(tt.key))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Check(%.30s) = %v, want %q", tt.key, err, tt.want)
		}
	}
}
