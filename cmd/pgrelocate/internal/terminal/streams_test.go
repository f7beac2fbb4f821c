package terminal

import (
	"testing"
)

func TestFacts(t *testing.T) {
	tests := []struct {
		name               string
		streams            Streams
		animated, coloured bool
	}{
		{"a terminal", Streams{ErrTTY: true}, true, true},
		{"a pipe", Streams{}, false, false},
		{"only stdout is a terminal", Streams{OutTTY: true}, false, false},
		{"TERM=dumb", Streams{ErrTTY: true, Dumb: true}, false, false},
		{"a CI system's terminal", Streams{ErrTTY: true, Logged: true}, false, true},
		{"NO_COLOR", Streams{ErrTTY: true, NoColor: true}, true, false},
	}
	for _, tt := range tests {
		if got := tt.streams.Animated(); got != tt.animated {
			t.Errorf("%s: Animated() = %v, want %v", tt.name, got, tt.animated)
		}
		if got := tt.streams.Coloured(); got != tt.coloured {
			t.Errorf("%s: Coloured() = %v, want %v", tt.name, got, tt.coloured)
		}
	}
}

func TestWidth(t *testing.T) {
	tests := []struct {
		name    string
		columns func() int
		want    int
	}{
		{"unknown", nil, DefaultWidth},
		{"not a terminal", func() int { return 0 }, DefaultWidth},
		{"narrow", func() int { return 20 }, 20},
		{"wide", func() int { return 200 }, 200},
	}
	for _, tt := range tests {
		if got := (Streams{Columns: tt.columns}).Width(); got != tt.want {
			t.Errorf("%s: Width() = %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestPaint(t *testing.T) {
	if got, want := (Streams{}).Paint(Red, "error:"), "error:"; got != want {
		t.Errorf("Paint(Red, error:) into a pipe = %q, want %q", got, want)
	}
	if got, want := (Streams{ErrTTY: true}).Paint(Red, "error:"), "\x1b[31merror:\x1b[0m"; got != want {
		t.Errorf("Paint(Red, error:) on a terminal = %q, want %q", got, want)
	}
}

// What System finds depends on where the test runs; with a dumb terminal asked for it
// must never say that Err can be animated.
func TestSystemObeysTheEnvironment(t *testing.T) {
	streams := System(func(key string) string {
		return map[string]string{"TERM": "dumb", "NO_COLOR": "1"}[key]
	})
	if streams.Animated() || streams.Coloured() || !streams.NoColor {
		t.Errorf("System(TERM=dumb, NO_COLOR=1) = %+v, want neither animation nor colour", streams)
	}
}

func TestSystemKnowsCI(t *testing.T) {
	for value, want := range map[string]bool{"": false, "false": false, "0": false, "true": true, "1": true, "woodpecker": true} {
		if got := System(func(key string) string { return map[string]string{"CI": value}[key] }).Logged; got != want {
			t.Errorf("System(CI=%s).Logged = %v, want %v", value, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	tests := []struct{ in, want string }{
		{"denied: no such thing\n\tat all — ü", "denied: no such thing\n\tat all — ü"},
		{"\x1b[2Jgone", `\x1b[2Jgone`},
		{"over\rwritten", `over\x0dwritten`},
		{"\u009b31m", `\x9b31m`},
		{"abc\u202ecba", `abc\x202ecba`},
		{"Get https://robot:s3cret@registry.example.com/v2/: no route", "Get https://***@registry.example.com/v2/: no route"},
		{"registry.example.com/a@sha256:abc", "registry.example.com/a@sha256:abc"},
		{"https://registry.example.com/a@sha256:abc", "https://registry.example.com/a@sha256:abc"},
	}
	for _, tt := range tests {
		if got := Plain(tt.in); got != tt.want {
			t.Errorf("Plain(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestSecretNeedsATerminal(t *testing.T) {
	streams, _, _ := Test("s3cret\n")
	if got, err := streams.Secret(t.Context()); err == nil {
		t.Errorf("Secret() from a buffer = %q, want an error", got)
	}
}
