package suggest

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"registry", "release", "versions", "editions", "full"}
	tests := []struct{ in, want string }{
		{"registry", "registry"},
		{"registyr", "registry"},
		{"Registry", "registry"},
		{"version", "versions"},
		{"editoins", "editions"},
		{"ful", "full"},
		{"f", ""},
		{"", ""},
		{"password", ""},
	}
	for _, tt := range tests {
		if got := Nearest(tt.in, known); got != tt.want {
			t.Errorf("Nearest(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	if got := Nearest(string(make([]byte, 1000)), known); got != "" {
		t.Errorf("Nearest(a long word) = %q, want none", got)
	}
}

func TestUnknownError(t *testing.T) {
	tests := []struct {
		in   UnknownError
		want string
	}{
		{UnknownError{Name: "17.6", Where: "in v4.3.1", Have: []string{"17.5", "17.4"}}, "17.6 is not in v4.3.1; it has 17.5, 17.4"},
		{UnknownError{Name: "ful", Where: "an edition", Have: []string{"full"}, Suggestion: "full"}, "ful is not an edition; did you mean full? it has full"},
		{UnknownError{Name: "a\x1b[2J", Where: "an edition"}, `"a\x1b[2J" is not an edition`},
	}
	for _, tt := range tests {
		if got := tt.in.Error(); got != tt.want {
			t.Errorf("Error() = %s, want %s", got, tt.want)
		}
	}
}
