package cluster_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/tests/internal/program"
)

// command is the program as a user runs it on the cluster.
func (s *site) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	args = append(args, "--kubeconfig", s.installerFile)
	if args[0] != "secret" {
		args = append(args, "--namespace", s.namespace)
	}
	return s.bare(t, args...)
}

// bare is the program without a cluster. Credentials come from the environment.
func (s *site) bare(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	file, err := program.Build()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(file, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir,
		"PGRELOCATE_REGISTRY_USERNAME="+owner.Username, "PGRELOCATE_REGISTRY_PASSWORD="+owner.Password,
		"PGRELOCATE_PULL_USERNAME="+puller.Username, "PGRELOCATE_PULL_PASSWORD="+puller.Password)
	return cmd
}

// exits runs the program, wants an exit code, and no password in what it says.
func (s *site) exits(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	return ends(t, want, s.command(t, args...))
}

// ends is exits for any command of the program.
func ends(t *testing.T, want int, cmd *exec.Cmd) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	said := "pgrelocate " + strings.Join(cmd.Args[1:], " ")
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Errorf("%s = exit code %d, want %d\n%s", said, got, want, errs.String())
	}
	for _, password := range []string{owner.Password, puller.Password} {
		if strings.Contains(out.String()+errs.String(), password) {
			t.Errorf("%s shows a password", said)
		}
	}
	return out.String(), errs.String()
}

func TestProgram(t *testing.T) {
	s := newSite(t)
	registry := "--registry=" + s.Registry.Host

	out, _ := s.exits(t, 0, "install", registry, "--dry-run")
	if !strings.HasPrefix(out, "# would create namespace "+s.namespace+"\n") || !strings.Contains(out, "kind: Deployment") {
		t.Errorf("install --dry-run = %.300s, want actions and manifests", out)
	}
	if out, _ := s.exits(t, 1, "verify"); out != "" {
		t.Errorf("verify before the install = %q on stdout, want nothing", out)
	}
	out, messages := s.exits(t, 0, "install", registry, "--wait=false")
	if !strings.Contains(out, "postgres-17.5-lite") {
		t.Errorf("install prints\n%s\nwant the versions", out)
	}
	if !strings.Contains(messages, "8/9  operator") {
		t.Errorf("install says\n%s\nwant its steps", messages)
	}

	// What a good installation refers to is what was relocated, the repository included that the operator is told.
	if out, _ := ends(t, 0, s.bare(t, "diff", "registry:", "cluster:", registry, "--kubeconfig", s.adminFile)); strings.Contains(out, "ferretdb:latest") {
		t.Errorf("diff registry: cluster: = %s, want no difference", out)
	}

	out, _ = s.exits(t, 0, "secret", registry, "--rotate", "-o", "json")
	var secrets struct {
		Kind    string
		Secrets []struct{ Namespace, State string }
	}
	if err := json.Unmarshal([]byte(out), &secrets); err != nil || secrets.Kind != "Secrets" || len(secrets.Secrets) != 1 || secrets.Secrets[0].State != "unchanged" {
		t.Errorf("secret --rotate -o json = %s, %v, want one secret, unchanged", out, err)
	}

	s.edit(t, "postgres-17.5", "elsewhere.example.com/postgres-instance:v17.5-v4.3.1")
	out, messages = s.exits(t, 5, "verify", "-o", "json")
	var check struct {
		OK       bool
		Versions []struct {
			Name, Reason string
			Pulls        bool
		}
	}
	if err := json.Unmarshal([]byte(out), &check); err != nil || check.OK || len(check.Versions) != 20 {
		t.Errorf("verify -o json = %s, %v, want 20 versions and not ok", out, err)
	}
	if !strings.Contains(messages, "postgres-17.5 cannot be pulled: it is in elsewhere.example.com") {
		t.Errorf("verify says %s, want the version that was edited", messages)
	}

	if out, _ := s.exits(t, 0, "uninstall"); !strings.Contains(out, "removed helm release "+s.namespace+"/postgres-operator") {
		t.Errorf("uninstall = %q, want what it removed", out)
	}
}

// Ctrl-C while the operator does not become ready: exit code 130, and the truth about
// what is left.
func TestProgramInterrupted(t *testing.T) {
	s := newSite(t)
	cmd := s.command(t, "install", "--registry", s.Registry.Host, "-v")
	messages, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer messages.Close()
	cmd.Stderr = messages
	said := func() string {
		text, _ := os.ReadFile(messages.Name())
		return string(text)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); !strings.Contains(said(), "waiting for Deployment"); time.Sleep(50 * time.Millisecond) {
		if time.Since(begin) > 3*time.Minute {
			_ = cmd.Process.Kill()
			t.Fatalf("install does not wait:\n%s", said())
		}
	}
	// Nobody else may read passwords from the process list.
	line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "cmdline"))
	if err == nil && (bytes.Contains(line, []byte(puller.Password)) || bytes.Contains(line, []byte(owner.Password))) {
		t.Error("a password stands in the process's arguments")
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 130 {
		t.Errorf("install after SIGINT = exit code %d, want 130", got)
	}
	for _, want := range []string{"interrupted", "helm release postgres-operator is now at revision 1 in state failed", "done before: namespace " + s.namespace + " created"} {
		if !strings.Contains(said(), want) {
			t.Errorf("install after SIGINT says\n%s\nwant %q", said(), want)
		}
	}
	if got := s.state(t); got != "failed" {
		t.Errorf("after SIGINT helm records %q, want failed", got)
	}
}
