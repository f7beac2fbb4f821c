package pictures

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/tests/internal/program"
)

var update = flag.Bool("update", false, "renew docs/pictures")

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	program.Remove()
	os.Exit(code)
}

// picture is one of the documentation, in the order in which they are taken.
type picture struct {
	name, title string
	commands    []string
	// until is what a line shows when the picture is taken, in the middle of the last command; nil is
	// its end.
	until *regexp.Regexp
}

var pictures = []picture{
	{"plan", "pgrelocate plan lists what would be copied, with sizes", []string{"pgrelocate plan --source VENDOR -r PRIVATE --versions 17"}, nil},
	{"copy", "pgrelocate copy says what it has moved; a second run finds nothing to do", []string{
		"pgrelocate copy --source VENDOR -r PRIVATE --versions 17",
		"pgrelocate copy --source VENDOR -r PRIVATE --versions 17",
	}, nil},
	{"air-gap", "pgrelocate save writes a file that crosses the gap, pgrelocate load puts it into the private registry", []string{
		"pgrelocate save pg.tar --source VENDOR --versions 17",
		"pgrelocate load pg.tar --registry PRIVATE/carried",
	}, nil},
	{"mistake", "A typo costs nothing: the error names what there is, and a hint says what to do", []string{"pgrelocate plan -r PRIVATE --versions 17.6"}, nil},
	{"verify", "pgrelocate verify holds the private registry against the selection, without a cluster", []string{
		"pgrelocate verify -r PRIVATE --versions 17 --no-cluster",
	}, nil},
	{"doctor", "pgrelocate doctor says what is not well, and what to do about it", []string{
		"pgrelocate doctor --source VENDOR -r PRIVATE --versions 17",
	}, nil},
	{"copying", "pgrelocate copy shows a bar while it copies", []string{"pgrelocate copy --source VENDOR -r PRIVATE --limit-rate 4MiB"}, regexp.MustCompile(`\b[4-7]\d%`)},
}

// What the documentation shows of a terminal is what the program shows in one.
func TestPictures(t *testing.T) {
	release, err := standin.New(standin.Options{Bytes: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	vendor, private := registrytest.Distribution(t, registrytest.Options{}), registrytest.Distribution(t, registrytest.Options{})
	if _, err := release.Push(t.Context(), ref.Folder{Host: vendor.Host}, vendor.Remote(t.Context())...); err != nil {
		t.Fatal(err)
	}
	there := strings.NewReplacer("VENDOR", vendor.Host, "PRIVATE", private.Host)
	shown := strings.NewReplacer(vendor.Host, "127.0.0.1:5001", private.Host, "127.0.0.1:5000")
	home := t.TempDir()
	for _, p := range pictures {
		s := &screen{}
		for i, command := range p.commands {
			command = there.Replace(command)
			if i > 0 {
				s.row++
			}
			if err := s.write("\x1b[0m$ " + strings.ReplaceAll(shown.Replace(command), "\n", "\r\n") + "\r\n"); err != nil {
				t.Fatal(err)
			}
			until := p.until
			if i < len(p.commands)-1 {
				until = nil
			}
			show(t, s, home, command, shown, until)
		}
		check(t, p, s.lines)
	}
}

// show runs a command, and shows on the screen what a terminal would, to its end or until a line
// matches.
func show(t *testing.T, s *screen, home, command string, shown *strings.Replacer, until *regexp.Regexp) {
	t.Helper()
	built, err := program.Build()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, "bash", "-c", "exec "+command)
	cmd.Dir = home
	cmd.Env = []string{"HOME=" + home, "PATH=" + filepath.Dir(built) + ":/usr/bin:/bin", "TERM=xterm", "LANG=C.UTF-8"}
	taken := false
	err = inTerminal(cmd, func(portion string) error {
		if taken {
			return nil
		}
		if err := s.write(shown.Replace(portion)); err != nil {
			return err
		}
		taken = until != nil && s.row < len(s.lines) && until.MatchString(text(s.lines[s.row]))
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	if until != nil && !taken {
		t.Fatalf("%s never showed %s", command, until)
	}
}

// check holds a picture against the one that is there, or puts it in its place.
func check(t *testing.T, p picture, lines [][]cell) {
	t.Helper()
	for len(lines) > 0 && text(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	got, err := svg(p.title, lines)
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	file := filepath.Join("..", "..", "docs", "pictures", p.name+".svg")
	before, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	diff := cmp.Diff(lasting(string(before)), lasting(got))
	if diff == "" {
		return
	}
	if !*update {
		t.Errorf("%s shows something else than the program does; go test ./tests/pictures -update renews it (-there +now):\n%s", file, diff)
		return
	}
	if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
		t.Fatal(err)
	}
}

// lasting leaves out of a picture what is another one in each run: times and rates, the figures of the bar, which
// artifact is done first, the digest of a file that names ports, and the lengths of texts, which follow from those.
func lasting(picture string) string {
	for pattern, instead := range map[string]string{
		` textLength="[0-9.]+"`: "",
		`copied 127\S+<`:        "copied ARTIFACT<",
		`\b[0-9a-f]{64}\b`:      "DIGEST",
		`\d+/\d+ artifacts? .*left|\d+%.*\[[=&gt; -]*\].*`: "BAR",
		` in [0-9.]+m?s(?: \([^)]*\))?:`:                   " in TIME:",
	} {
		picture = regexp.MustCompile(pattern).ReplaceAllString(picture, instead)
	}
	return picture
}

// The terminal does what terminals do, and takes nothing that it does not know.
func TestScreen(t *testing.T) {
	tests := []struct{ sent, want string }{
		{"one\r\ntwo", "one\ntwo"},
		{"12 %\r    \rdone", "done"},
		{strings.Repeat("x", 80) + "\r\ny", strings.Repeat("x", 80) + "\ny"},
		{strings.Repeat("x", 81), strings.Repeat("x", 80) + "\nx"},
		{"\x1b[31merror\x1b[0m: no", "error: no"},
		{"a\tb", "a       b"},
	}
	for _, tt := range tests {
		s := &screen{}
		if err := s.write(tt.sent); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, line := range s.lines {
			got = append(got, text(line))
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("write(%q) (-want +got):\n%s", tt.sent, diff)
		}
	}
	for _, sent := range []string{"\x1b[2J", "\x1b[1A", "\a", "\xff"} {
		if err := new(screen).write(sent); err == nil {
			t.Errorf("write(%q) = nil, want an error", sent)
		}
	}
	s := &screen{}
	_ = s.write("\x1b[31me\x1b[0mf & g")
	got, err := svg("A & B", s.lines)
	for _, want := range []string{"A &amp; B", ">e</text>", `fill="#ff9c9c"`, ">f &amp; g</text>"} {
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("svg() = %s, %v, want %q in it", got, err, want)
		}
	}
	_ = s.write("\x1b[35mx")
	if _, err := svg("", s.lines); err == nil {
		t.Error("svg() with a colour that it has not = nil, want an error")
	}
}
