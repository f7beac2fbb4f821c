package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
)

// example is a file in examples/.
func example(t *testing.T, name string) string {
	t.Helper()
	return read(t, filepath.Join("..", "..", "examples", filepath.FromSlash(name)))
}

// strictly reads YAML of which all keys have to be known.
func strictly(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

// wantCommands wants each command line to be one that the program takes, and a command of them
// each: no argument or flag that there is not, no value that a flag refuses.
func wantCommands(t *testing.T, lines [][]string, commands ...string) {
	t.Helper()
	var got []string
	for _, line := range lines {
		streams, _, _ := terminal.Test("")
		cmd, rest, err := newRootCommand(newApp(streams)).Find(line)
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if err == nil {
			err = cmd.ValidateArgs(cmd.Flags().Args())
		}
		if err == nil {
			err = cmd.ValidateRequiredFlags()
		}
		if err != nil {
			t.Errorf("pgrelocate %s: %v", strings.Join(line, " "), err)
			continue
		}
		got = append(got, cmd.Name())
	}
	if !slices.Equal(got, commands) {
		t.Errorf("the example runs %v, want %v", got, commands)
	}
}

// The test above would let a mistake through if the tree took everything.
func TestWantCommandsRefuses(t *testing.T) {
	for _, line := range []string{"copy --no-such-flag", "copy --jobs=many", "copy nonsense", "cpy"} {
		streams, _, _ := terminal.Test("")
		cmd, rest, err := newRootCommand(newApp(streams)).Find(strings.Fields(line))
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if err == nil {
			err = cmd.ValidateArgs(cmd.Flags().Args())
		}
		if err == nil {
			t.Errorf("pgrelocate %s is taken", line)
		}
	}
}

// shellCommands are the command lines of the program in a script, without what a shell does for them.
func shellCommands(script string) [][]string {
	var lines [][]string
	for line := range strings.Lines(strings.ReplaceAll(script, "\\\n", " ")) {
		words := strings.Fields(line)
		if at := slices.Index(words, ">"); at >= 0 {
			words = words[:at]
		}
		if len(words) > 0 && filepath.Base(words[0]) == "pgrelocate" {
			lines = append(lines, words[1:])
		}
	}
	return lines
}

func TestExampleCronJob(t *testing.T) {
	documents := strings.Split(example(t, "cronjob.yaml"), "\n---\n")
	if len(documents) != 3 {
		t.Fatalf("%d documents, want a namespace, settings and the job", len(documents))
	}
	var settings corev1.ConfigMap
	var job batchv1.CronJob
	strictly(t, documents[0], new(corev1.Namespace))
	strictly(t, documents[1], &settings)
	strictly(t, documents[2], &job)
	wantCommands(t, [][]string{job.Spec.JobTemplate.Spec.Template.Spec.Containers[0].Args}, "copy")

	elsewhere(t)
	if err := os.WriteFile("pgrelocate.yaml", []byte(settings.Data["pgrelocate.yaml"]), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.NewLoader().Load(t.Context())
	if err != nil || cfg.Registry.Host != "registry.example.com" {
		t.Errorf("the settings name %q, %v", cfg.Registry.Host, err)
	}
}

func TestExampleGitHubActions(t *testing.T) {
	var workflow struct {
		Name        string
		On          any `json:"true"` // YAML 1.1 takes "on" for a boolean; GitHub does not
		Permissions map[string]string
		Concurrency struct{ Group string }
		Jobs        map[string]struct {
			RunsOn  string `json:"runs-on"`
			Timeout int    `json:"timeout-minutes"`
			Steps   []struct {
				Name, Uses, Run, If string
				Env                 map[string]string
				With                map[string]any
			}
		}
	}
	strictly(t, example(t, "github-actions.yaml"), &workflow)
	var commands [][]string
	for _, step := range workflow.Jobs["copy"].Steps {
		found := shellCommands(step.Run)
		for name := range step.Env {
			if !slices.Contains(config.Credentials, name) {
				t.Errorf("nothing reads %s", name)
			}
		}
		commands = append(commands, found...)
	}
	wantCommands(t, commands, "copy", "verify")
}

func TestExampleGitLab(t *testing.T) {
	var pipeline map[string]struct {
		Image         string
		Rules         []map[string]string
		ResourceGroup string `json:"resource_group"`
		Timeout       string
		Cache         map[string]any
		Script        []string
		Artifacts     map[string]any
	}
	text := example(t, "gitlab-ci.yml")
	strictly(t, text, &pipeline)
	wantCommands(t, shellCommands(strings.Join(pipeline["mirror"].Script, "\n")), "copy", "verify")
	for word := range strings.FieldsSeq(text) {
		if name := strings.Trim(word, "#,.:"); strings.HasPrefix(name, "PGRELOCATE_") && !slices.Contains(config.Credentials, name) {
			t.Errorf("nothing reads %s", name)
		}
	}
}

func TestExampleSystemd(t *testing.T) {
	service := unit(t, "systemd/pgrelocate.service")
	wantCommands(t, shellCommands(strings.Join(service["Service"]["ExecStart"], "\n")), "copy")
	for _, section := range []string{"Unit", "Service"} {
		if len(service[section]) == 0 {
			t.Errorf("the service has no [%s]", section)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err == nil { // what systemd itself says of them, but for the program, which is not there
		dir := t.TempDir()
		for _, name := range []string{"pgrelocate.service", "pgrelocate.timer"} {
			text := strings.ReplaceAll(example(t, "systemd/"+name), "/usr/local/bin/pgrelocate", "/bin/true")
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.CommandContext(t.Context(), analyze, "verify", filepath.Join(dir, "pgrelocate.service"), filepath.Join(dir, "pgrelocate.timer")).CombinedOutput()
		if err != nil || strings.Contains(string(out), "pgrelocate.") {
			t.Errorf("systemd-analyze verify = %v\n%s", err, out)
		}
	}
	timer := unit(t, "systemd/pgrelocate.timer")
	if len(timer["Timer"]["OnCalendar"]) != 1 || timer["Install"]["WantedBy"][0] != "timers.target" {
		t.Errorf("the timer is %v", timer)
	}
}

// unit reads a file of systemd: sections of KEY=VALUE, lines that a backslash continues.
func unit(t *testing.T, name string) map[string]map[string][]string {
	t.Helper()
	sections := map[string]map[string][]string{}
	current := ""
	for line := range strings.Lines(strings.ReplaceAll(example(t, name), "\\\n", " ")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if section, ok := strings.CutPrefix(line, "["); ok {
			current = strings.TrimSuffix(section, "]")
			sections[current] = map[string][]string{}
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || current == "" {
			t.Fatalf("%s: %q is no setting", name, line)
		}
		sections[current][key] = append(sections[current][key], value)
	}
	return sections
}
