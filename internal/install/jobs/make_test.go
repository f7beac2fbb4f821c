package jobs

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func examplePod() Pod {
	return Pod{
		Name: "mirror", Namespace: "pgrelocate", Image: "registry.example.com/pgrelocate:v1", Login: "logins", Args: []string{"copy"}, TempSize: "4Gi",
		Files: map[string]string{SettingsFile: "registry: registry.example.com\n"},
	}
}

// What is asked of each pod is what it may do: no root, no writing, no token for the cluster.
func TestMirror(t *testing.T) {
	objects, err := Mirror(examplePod(), MirrorOptions{Plan: []byte("{}"), Workers: 4, Retries: 3, Bytes: 7, Artifacts: 2})
	if err != nil {
		t.Fatal(err)
	}
	text, err := YAML(objects)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"completionMode: Indexed\n", "completions: 4\n", "parallelism: 4\n", "backoffLimitPerIndex: 3\n",
		"immutable: true\n", "automountServiceAccountToken: false\n", "runAsNonRoot: true\n", "readOnlyRootFilesystem: true\n",
		"terminationMessagePath: /dev/termination-log\n", "path: config.json\n", `pgrelocate.io/bytes: "7"`,
	} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("Mirror() lacks %q:\n%s", want, text)
		}
	}
	if bytes.Contains(text, []byte("kind: Secret\n")) || bytes.Contains(text, []byte("serviceAccountName")) {
		t.Errorf("Mirror() makes a secret or uses an account:\n%s", text)
	}
}

func TestMirrorFromAClaim(t *testing.T) {
	objects, err := Mirror(examplePod(), MirrorOptions{Plan: []byte("{}"), Claim: "plans", Workers: 1})
	if err != nil || len(objects) != 2 {
		t.Fatalf("Mirror(a claim) makes %d objects, %v, want a ConfigMap of settings and the job", len(objects), err)
	}
	claim, found, _ := unstructured.NestedSlice(objects[1].Object, "spec", "template", "spec", "volumes")
	if text := strings.Join(strings.Fields(stringOf(claim)), " "); !found || !strings.Contains(text, "plans") {
		t.Errorf("Mirror(a claim) mounts %s", text)
	}
}

func stringOf(list []any) string {
	text, _ := YAML([]*unstructured.Unstructured{{Object: map[string]any{"list": list}}})
	return string(text)
}

func TestMakeRefuses(t *testing.T) {
	large := make([]byte, 2<<20)
	_, _ = rand.Read(large)
	if _, err := Mirror(examplePod(), MirrorOptions{Plan: large, Workers: 2}); !errors.Is(err, ErrLargePlan) {
		t.Errorf("Mirror(2 MiB that cannot be packed) = %v, want %v", err, ErrLargePlan)
	}
	for _, workers := range []int{0, -1, 1001} {
		if _, err := Mirror(examplePod(), MirrorOptions{Workers: workers}); err == nil {
			t.Errorf("Mirror(%d workers) = nil, want an error", workers)
		}
	}
	for _, change := range []func(*Pod){
		func(p *Pod) { p.Name = "No" }, func(p *Pod) { p.Namespace = "a/b" }, func(p *Pod) { p.Login = "-" }, func(p *Pod) { p.Name = "" },
		func(p *Pod) { p.Image = "x: y" }, func(p *Pod) { p.Image = "" }, func(p *Pod) { p.TempSize = "4GiB" }, func(p *Pod) { p.TempSize = "-1Gi" },
		func(p *Pod) { p.Name = strings.Repeat("a", 53) },
	} {
		p := examplePod()
		change(&p)
		if _, err := Nightly(p, "17 2 * * *"); err == nil {
			t.Errorf("Nightly(%+v) = nil, want an error", p)
		}
	}
}

func TestMirrorRefuses(t *testing.T) {
	for _, opts := range []MirrorOptions{{Workers: 2, Retries: -1}, {Workers: 2, Retries: math.MaxInt32 + 1}, {Workers: 2, Claim: "../x"}} {
		if _, err := Mirror(examplePod(), opts); err == nil {
			t.Errorf("Mirror(%+v) = nil, want an error", opts)
		}
	}
	p := examplePod()
	for _, tt := range []struct {
		length int
		ok     bool
	}{{61, true}, {62, false}} {
		p.Name = strings.Repeat("a", tt.length)
		if _, err := Mirror(p, MirrorOptions{Workers: 10}); (err == nil) != tt.ok {
			t.Errorf("Mirror(a name of %d characters, 10 workers) = %v, want it to be taken: %v", tt.length, err, tt.ok)
		}
	}
}

func TestSchedules(t *testing.T) {
	for schedule, ok := range map[string]bool{
		"17 2 * * *": true, "*/5 0-6,22 1 JAN mon-fri": true, "@daily": true, "0 0 ? * 1/2": true,
		"": false, "every day": false, "5m": false, "* * * *": false, "* * * * * *": false, "17 2 * * *\"\n  evil: 1": false,
		"@every 5m": false, "TZ=UTC 17 2 * * *": false, "a b c d e": false,
		"99 99 * * *": false, "60 * * * *": false, "0 24 * * *": false, "0 0 0 * *": false, "0 0 * 13 *": false, "0 0 * * 7": false,
		"*/0 * * * *": false, "30-10 * * * *": false, "0,61 * * * *": false, "0-59/15 */2 1-31 1-12 0-6": true, "59 23 31 12 6": true,
		"0 0 * JAN-MAR SUN": true, "*/x * * * *": false, "1234567890123456789012 * * * *": false,
	} {
		if _, err := Nightly(examplePod(), schedule); (err == nil) != ok {
			t.Errorf("Nightly(%q) = %v, want it to be taken: %v", schedule, err, ok)
		}
		if _, err := Secrets(examplePod(), SecretsOptions{Schedule: schedule, Credentials: "robot", PullSecret: "pull"}); (err == nil) != ok {
			t.Errorf("Secrets(%q) = %v, want it to be taken: %v", schedule, err, ok)
		}
	}
}

func TestSecretsRefusesNames(t *testing.T) {
	for _, opts := range []SecretsOptions{{Credentials: "robot", PullSecret: "evil\"x"}, {Credentials: "robot"}, {Credentials: "../x", PullSecret: "pull"}} {
		opts.Schedule = "@hourly"
		if _, err := Secrets(examplePod(), opts); err == nil {
			t.Errorf("Secrets(%+v) = nil, want an error", opts)
		}
	}
}

// A job cannot be changed: another plan, and another number of workers, has another name.
func TestPlanName(t *testing.T) {
	a, b, c := PlanName([]byte("a"), 4), PlanName([]byte("b"), 4), PlanName([]byte("a"), 2)
	if a == b || a == c || a != PlanName([]byte("a"), 4) {
		t.Errorf("PlanName() = %s, %s, %s", a, b, c)
	}
}
