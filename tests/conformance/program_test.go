package conformance_test

import (
	"bufio"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/pgrelocate/pgrelocate/tests/internal/program"
)

func TestMain(m *testing.M) {
	code := m.Run()
	program.Remove()
	os.Exit(code)
}

// run runs the program until the test ends. It returns once a line of its messages matches,
// what that has in parentheses.
func run(t *testing.T, until string, args ...string) []string {
	t.Helper()
	file, err := program.Build()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	cmd := exec.Command(file, args...)
	cmd.Dir = home
	cmd.Env = []string{"HOME=" + home, "TMPDIR=" + home, "PATH=" + os.Getenv("PATH")}
	messages, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pattern, said := regexp.MustCompile(until), []string{}
	lines := bufio.NewScanner(messages)
	for lines.Scan() {
		said = append(said, lines.Text())
		if match := pattern.FindStringSubmatch(lines.Text()); match != nil {
			ended := make(chan error, 1)
			go func() {
				for lines.Scan() { // so that it can go on saying things
				}
				ended <- cmd.Wait()
			}()
			t.Cleanup(func() {
				_ = cmd.Process.Signal(syscall.SIGINT)
				if err := <-ended; err != nil {
					t.Errorf("pgrelocate %v, interrupted: %v", args, err)
				}
			})
			return match[1:]
		}
	}
	t.Fatalf("pgrelocate %v: %v\n%s", args, cmd.Wait(), strings.Join(said, "\n"))
	return nil
}
