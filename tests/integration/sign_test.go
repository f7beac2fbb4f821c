package integration_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
)

// A signing key with a password signs with that password and with no other. The program is
// the one that users have: opening such a key is made to be slow, and would take minutes
// under the race detector.
func TestSigningPassword(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	pushFamily(t, u.rig, standin.Options{})
	key := filepath.Join(u.home, "ours")
	with := func(cmd *exec.Cmd, password string) *exec.Cmd {
		cmd.Env = append(cmd.Env, "PGRELOCATE_SIGNING_PASSWORD="+password)
		return cmd
	}
	save := func(file, password string) *exec.Cmd {
		cmd := u.command(t, "save", "--versions", "17.5", "-f", file, "--sign-key", key+".key")
		cmd.Args = without(cmd.Args, "--registry")
		return with(cmd, password)
	}
	keygen := u.command(t, "bundle")
	keygen.Args = []string{u.file, "bundle", "keygen", key}
	if code := run(t, with(keygen, "correct-horse")); code != 0 {
		t.Fatalf("keygen = exit code %d, want 0:\n%s", code, output(keygen))
	}
	good := save("good.tar", "correct-horse")
	if code := run(t, good); code != 0 {
		t.Errorf("save with the password = exit code %d, want 0:\n%s", code, output(good))
	}
	bad := save("bad.tar", "wrong-horse")
	if code := run(t, bad); code != 2 || !strings.Contains(output(bad), "the password does not open it") {
		t.Errorf("save with another password = exit code %d, want 2:\n%s", code, output(bad))
	}
	for _, cmd := range []*exec.Cmd{keygen, good, bad} {
		if strings.Contains(output(cmd), "-horse") {
			t.Errorf("%v wrote a password:\n%s", cmd, output(cmd))
		}
	}
}

// without takes a flag with its value out of a command line.
func without(args []string, flag string) (rest []string) {
	for i := 0; i < len(args); i++ {
		if args[i] == flag {
			i++
			continue
		}
		rest = append(rest, args[i])
	}
	return rest
}
