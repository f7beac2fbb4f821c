package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// place gives a test a working directory and a home of its own, without variables of ours.
func place(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "xdg"))
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, prefix) {
			t.Setenv(name, "")
		}
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// parsed is a loader whose flags have seen args.
func parsed(t *testing.T, args ...string) *Loader {
	t.Helper()
	l := NewLoader()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	l.AddFlags(fs, l.Keys())
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return l
}

func origin(l *Loader, key string) string {
	for _, v := range l.Values() {
		if v.Key == key {
			return v.Origin.String()
		}
	}
	return "no such setting"
}

func TestPrecedence(t *testing.T) {
	const user, env, flag = "xdg/pgrelocate/config.yaml", "PGRELOCATE_JOBS", "--jobs=5"
	tests := []struct {
		name                   string
		user, local, env, flag bool
		want                   int
		wantOrigin             string
	}{
		{"nothing", false, false, false, false, 8, "default"},
		{"the user's file", true, false, false, false, 2, "file USER"},
		{"the local file", true, true, false, false, 3, "file pgrelocate.yaml"},
		{"the environment", true, true, true, false, 4, "environment PGRELOCATE_JOBS"},
		{"a flag", true, true, true, true, 5, "flag --jobs"},
		{"a flag alone", false, false, false, true, 5, "flag --jobs"},
		{"the environment over the user's file", true, false, true, false, 4, "environment PGRELOCATE_JOBS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			place(t)
			var args []string
			if tt.user {
				write(t, user, "jobs: 2\n")
			}
			if tt.local {
				write(t, LocalFile, "jobs: 3\n")
			}
			if tt.env {
				t.Setenv(env, "4")
			}
			if tt.flag {
				args = []string{flag}
			}
			l := parsed(t, args...)
			cfg, warnings, err := l.Load(t.Context())
			if err != nil || len(warnings) > 0 {
				t.Fatalf("Load() = %v, %v", warnings, err)
			}
			if cfg.Jobs != tt.want {
				t.Errorf("Jobs = %d, want %d", cfg.Jobs, tt.want)
			}
			if got, want := origin(l, "jobs"), strings.Replace(tt.wantOrigin, "USER", UserFile(), 1); got != want {
				t.Errorf("origin of jobs = %q, want %q", got, want)
			}
		})
	}
}

// Every setting can be set in each of the three places, with the same result.
func TestEverySettingEverywhere(t *testing.T) {
	place(t)
	values := map[string]string{
		"product": "other", "release": "v4.3.1,v4.0.0", "versions": "13.20,17", "editions": "lite", "extras": "none", "axis": "os=trixie,bookworm,flavour=all", "with-prerequisites": "cert-manager=v1.20.3",
		"source": "source.example.com/a,hub=hub.example.com", "registry": "registry.example.com:5000/b", "spool-limit": "2GiB",
		"source-plain-http": "true", "plain-http": "true", "jobs": "3", "limit-rate": "50MiB",
		"stall-timeout": "5s", "retry-timeout": "1m30s", "on-conflict": "skip", "platform": "linux/arm64/v8,linux/amd64", "index": "strip",
		"signatures": "false", "output": "yaml", "quiet": "true", "verbose": "true", "no-progress": "true",
		"catalogue": "/a.yaml,/b.yaml", "ca-file": "/ca.pem", "check": "true", "events": "/e.json", "metrics": "/m.prom", "summary": "auto", "junit": "/j.xml", "status": "/s",
		"state-dir": "/state", "lock": "/pg.lock",
		"chart-images": "true", "known-only": "true", "kubeconfig": "/kube", "context": "staging", "namespace": "operators",
		"helm-release": "pg", "pull-secret": "pull", "instance-namespaces": "demo,prod",
		"attest": "true", "verify-key": "/a.pub,/b.pub", "verify-identity": "a@example.com", "verify-identity-regexp": "a.*",
		"verify-issuer": "https://issuer.example.com", "verify-issuer-regexp": "i.*", "trusted-root": "/root.json", "verify-name": "true",
		"allow-unsigned": "charts/*", "min-age": "48h", "allow-unknown-age": "true",
	}
	want := Config{
		Product: "other", Releases: []string{"v4.3.1", "v4.0.0"}, Versions: expressionOf(t, "13.20,17"),
		Editions: []versions.Edition{versions.Lite}, Extras: []string{"none"}, Catalogues: []string{"/a.yaml", "/b.yaml"},
		Prerequisites: Prerequisites{Wanted: true, Releases: map[string]string{"cert-manager": "v1.20.3"}},
		Axes:          map[string][]string{"os": {"trixie", "bookworm"}, "flavour": {"all"}},
		Source: Source{
			Folder: ref.Folder{Host: "source.example.com", Path: "a"},
			Named:  map[string]ref.Folder{"hub": {Host: "hub.example.com"}},
		},
		Registry:        ref.Folder{Host: "registry.example.com:5000", Path: "b"},
		SpoolLimit:      2 << 30,
		SourcePlainHTTP: true, PlainHTTP: true, CAFile: "/ca.pem", Jobs: 3, LimitRate: 50 << 20,
		StallTimeout: 5 * time.Second, RetryTimeout: 90 * time.Second, OnConflict: plan.ConflictSkip,
		Platforms: []v1.Platform{{OS: "linux", Architecture: "arm64", Variant: "v8"}, {OS: "linux", Architecture: "amd64"}}, Index: "strip", Signatures: false,
		Output: "yaml", Quiet: true, Verbose: true, NoProgress: true, Check: true, StateDir: "/state", Lock: "/pg.lock", ChartImages: true, KnownOnly: true,
		Kubeconfig: "/kube", Context: "staging", Namespace: "operators", HelmRelease: "pg", PullSecret: "pull",
		InstanceNamespaces: []string{"demo", "prod"},
		Attest:             true, VerifyKeys: []string{"/a.pub", "/b.pub"}, VerifyIdentities: []string{"a@example.com"}, VerifyIdentityPattern: "a.*",
		VerifyIssuer: "https://issuer.example.com", VerifyIssuerPattern: "i.*", TrustedRoot: "/root.json", VerifyName: true,
		AllowUnsigned: []string{"charts/*"}, MinAge: 48 * time.Hour, AllowUnknownAge: true,
		Events: "/e.json", Metrics: "/m.prom", Summary: "auto", JUnit: "/j.xml", Status: "/s",
	}
	ways := map[string]func(key, value string) *Loader{
		"flag": func(key, value string) *Loader { return parsed(t, "--"+key+"="+value) },
		"environment": func(key, value string) *Loader {
			t.Setenv(Variable(key), value)
			return NewLoader()
		},
		"file": func(key, value string) *Loader {
			write(t, LocalFile, key+": "+value+"\n")
			return NewLoader()
		},
	}
	for _, key := range NewLoader().Keys() {
		value, ok := values[key]
		if !ok {
			t.Errorf("this test knows no value for the setting %s", key)
			continue
		}
		for name, set := range ways {
			t.Run(key+" by "+name, func(t *testing.T) {
				place(t)
				l := set(key, value)
				cfg, _, err := l.Load(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if got := origin(l, key); !strings.HasPrefix(got, name) {
					t.Errorf("origin = %q, want one by %s", got, name)
				}
				changed := changedField(t, *cfg)
				if diff := cmp.Diff(field(want, changed), field(*cfg, changed), cmp.AllowUnexported(postgres.Expression{}), compareText); diff != "" {
					t.Errorf("%s (-want +got):\n%s", changed, diff)
				}
			})
			t.Setenv(Variable(key), "")
		}
	}
}

// compareText compares expressions by how they are written.
var compareText = cmp.Comparer(func(a, b postgres.Expression) bool { return a.String() == b.String() })

func expressionOf(t *testing.T, s string) postgres.Expression {
	t.Helper()
	e, err := postgres.ParseExpression(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// changedField is the one field of Config that is not the default.
func changedField(t *testing.T, cfg Config) string {
	t.Helper()
	var standard Config
	settings(&standard)
	var changed []string
	for i := range reflect.TypeFor[Config]().NumField() {
		name := reflect.TypeFor[Config]().Field(i).Name
		if !cmp.Equal(field(cfg, name), field(standard, name), compareText) {
			changed = append(changed, name)
		}
	}
	if len(changed) != 1 {
		t.Fatalf("changed fields: %v, want exactly one", changed)
	}
	return changed[0]
}

func field(cfg Config, name string) any {
	return reflect.ValueOf(cfg).FieldByName(name).Interface()
}

func TestLists(t *testing.T) {
	tests := []struct {
		name string
		file string
		args []string
		want string
	}{
		{"commas in a file", "versions: 17.5, 16.9\n", nil, "17.5,16.9"},
		{"a list in a file", "versions: [17.5, 16.9]\n", nil, "17.5,16.9"},
		{"a list of lines", "versions:\n- 17.5\n- '>=14 <15'\n", nil, "17.5,>=14 <15"},
		{"not a number", "versions: [13.20]\n", nil, "13.20"},
		{"no value", "versions:\n", nil, "all"},
		{"flags add up", "versions: 13.20\n", []string{"--versions=17.5", "--versions", "16.9"}, "17.5,16.9"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			place(t)
			write(t, LocalFile, tt.file)
			cfg, _, err := parsed(t, tt.args...).Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := cfg.Versions.String(); got != tt.want {
				t.Errorf("versions = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestPathsCountFromTheFile(t *testing.T) {
	place(t)
	write(t, "conf/c.yaml", "ca-file: ca.pem\ncatalogue: [a.yaml, /abs/b.yaml]\n")
	l := parsed(t)
	l.File = "conf/c.yaml"
	cfg, _, err := l.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if cfg.CAFile != "conf/ca.pem" {
		t.Errorf("CAFile = %q, want conf/ca.pem", cfg.CAFile)
	}
	if diff := cmp.Diff([]string{"conf/a.yaml", "/abs/b.yaml"}, cfg.Catalogues); diff != "" {
		t.Errorf("Catalogues (-want +got):\n%s", diff)
	}
	t.Setenv("PGRELOCATE_CA_FILE", "ca.pem")
	l = parsed(t)
	l.File = "conf/c.yaml"
	if cfg, _, _ := l.Load(t.Context()); cfg.CAFile != "ca.pem" {
		t.Errorf("CAFile from the environment = %q, want ca.pem", cfg.CAFile)
	}
}

func TestLoadErrors(t *testing.T) {
	tests := []struct {
		name, file, want, hint string
	}{
		{"unknown, near", "regstry: x\n", `pgrelocate.yaml:1: unknown key "regstry"; did you mean "registry"?`, ""},
		{"unknown, far", "\nbanana: x\n", `pgrelocate.yaml:2: unknown key "banana"`, "known keys: product, release, "},
		{"a password", "source-password: s3cret\n", `pgrelocate.yaml:1: unknown key "source-password"`, "credentials are never read from a config file"},
		{"a token", "token: s3cret\n", `pgrelocate.yaml:1: unknown key "token"`, "credentials are never read from a config file"},
		{"twice", "jobs: 1\nJobs: 2\n", "pgrelocate.yaml:2: jobs stands here for the second time", ""},
		{"a mapping", "registry:\n  host: x\n", "pgrelocate.yaml:2: registry must be a single value or a list of such", ""},
		{"lists in a list", "versions: [[17.5]]\n", "pgrelocate.yaml:1: versions must be a single value or a list of such", ""},
		{"too large", "versions: [" + strings.Repeat("{},", 1<<20) + "]\n", "config file: reading pgrelocate.yaml: it is too large to be what it should be: more than 1048576 bytes", ""},
		{"no mapping", "just text\n", `pgrelocate.yaml:1: must hold lines of the form "key: value"`, ""},
		{"two documents", "jobs: 1\n---\njobs: 2\n", "pgrelocate.yaml: it holds more than one document", ""},
		{"a key that is no word", "[a]: b\n", `pgrelocate.yaml:1: unknown key ""`, "known keys"},
		{"a bad value", "jobs: many\n", `pgrelocate.yaml: jobs: must be a whole number from 1 to 64, not "many"`, ""},
		{"a number out of bounds", "jobs: 0\n", `pgrelocate.yaml: jobs: must be a whole number from 1 to 64, not "0"`, ""},
		{"a bad choice", "output: xml\n", `pgrelocate.yaml: output: must be one of table, json, yaml, not "xml"`, ""},
		{"no time", "stall-timeout: 30\n", `pgrelocate.yaml: stall-timeout: must be a time such as 30s or 5m, not "30"`, ""},
		{"too short", "stall-timeout: 30ms\n", "stall-timeout: 30ms is too short; at least 1s", ""},
		{"a negative rate", "limit-rate: -5\n", `pgrelocate.yaml: limit-rate: must be a size such as 50MiB, not "-5"`, ""},
		{"both", "quiet: true\nverbose: true\n", "quiet and verbose exclude each other", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			place(t)
			write(t, LocalFile, tt.file)
			_, _, err := parsed(t).Load(t.Context())
			if err == nil || err.Error() != tt.want {
				t.Fatalf("Load() = %v, want %s", err, tt.want)
			}
			if code := exit.Code(err); code != exit.Usage {
				t.Errorf("Code(%v) = %d, want %d", err, code, exit.Usage)
			}
			if got := exit.Hint(err); !strings.HasPrefix(got, tt.hint) || tt.hint == "" && got != "" {
				t.Errorf("Hint(%v) = %q, want %q", err, got, tt.hint)
			}
		})
	}
}

func TestAPasswordInAnAddressIsNotRepeated(t *testing.T) {
	place(t)
	write(t, LocalFile, "registry: https://robot:s3cret@registry.example.com\n")
	_, _, err := parsed(t).Load(t.Context())
	if err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(exit.Hint(err), "s3cret") {
		t.Errorf("Load() = %v, want an error without the password", err)
	}
}

func TestNamedFile(t *testing.T) {
	place(t)
	write(t, LocalFile, "jobs: 3\n")
	write(t, "named.yaml", "quiet: true\n")
	t.Setenv(FileVariable, "named.yaml")
	cfg, _, err := parsed(t).Load(t.Context())
	if err != nil || !cfg.Quiet || cfg.Jobs != 8 {
		t.Errorf("Load() with %s = %+v, %v, want only what the named file says", FileVariable, cfg, err)
	}
	l := parsed(t)
	l.File = "nowhere.yaml"
	if _, _, err := l.Load(t.Context()); err == nil || exit.Code(err) != exit.Usage {
		t.Errorf("Load() of a file that is not there = %v, want a usage error", err)
	}
}

func TestUnknownVariables(t *testing.T) {
	place(t)
	for _, name := range []string{
		"PGRELOCATE_REGSTRY", "PGRELOCATE_BANANA", "PGRELOCATE_SOURCE_PASSWORT", // mistakes
		"PGRELOCATE_REGISTRY", "PGRELOCATE_SOURCE_PASSWORD", // none
	} {
		t.Setenv(name, "registry.example.com")
	}
	_, warnings, err := parsed(t).Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"the environment variable PGRELOCATE_BANANA means nothing to pgrelocate",
		"the environment variable PGRELOCATE_REGSTRY means nothing to pgrelocate; did you mean PGRELOCATE_REGISTRY?",
		"the environment variable PGRELOCATE_SOURCE_PASSWORT means nothing to pgrelocate; did you mean PGRELOCATE_SOURCE_PASSWORD?",
	}
	if diff := cmp.Diff(want, warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// Every field of Config is set by a setting: otherwise it could never be anything.
func TestEveryFieldHasASetting(t *testing.T) {
	// Others and Registry are one setting.
	if fields, keys := reflect.TypeFor[Config]().NumField()-1, len(NewLoader().Keys()); fields != keys {
		t.Errorf("Config has %d fields and there are %d settings, want as many", fields, keys)
	}
	for _, entry := range Reference() {
		if entry.Usage == "" || entry.Variable == "" {
			t.Errorf("setting %+v is not documented", entry)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "registry: a\n", "versions: [1, 2]\n", "a: {b: c}\n", "- a\n", "? [x]\n: y\n", "<<: *a\n", "a: &x b\nc: *x\n",
		"registry: !!binary aGVsbG8=\n", "jobs: 0x10\n", "---\na: 1\n---\nb: 2\n", "\x00", "\ufeffjobs: 1\n", "registry: https://u:s3cret@h\n",
	} {
		f.Add([]byte(seed))
	}
	known := NewLoader().Keys()
	f.Fuzz(func(t *testing.T, data []byte) {
		values, problem := parse(data, known)
		if problem != nil {
			if exit.Code(problem) != exit.Usage || strings.Contains(problem.Error(), "\n\n") {
				t.Errorf("parse(%q) = %q, want a usage error in one line", data, problem)
			}
			return
		}
		l := NewLoader()
		for key, value := range values {
			flag := l.flags.Lookup(key)
			if flag == nil {
				t.Fatalf("parse(%q) let the unknown key %q pass", data, key)
			}
			text, ok := value.(string)
			if value == nil || !ok {
				continue
			}
			if err := flag.Value.Set(text); err == nil {
				checkRoundTrip(t, flag, text)
			}
		}
	})
}

// checkRoundTrip holds a value that was accepted against what it is written as: that has
// to mean the same.
func checkRoundTrip(t *testing.T, flag *pflag.Flag, text string) {
	t.Helper()
	written := flag.Value.String()
	again := NewLoader().flags.Lookup(flag.Name)
	if err := again.Value.Set(written); err != nil {
		if written == "" && text == "" {
			return
		}
		t.Errorf("%s takes %q and writes it as %q, which it refuses: %v", flag.Name, text, written, err)
	} else if again.Value.String() != written {
		t.Errorf("%s takes %q, writes it as %q and that as %q", flag.Name, text, written, again.Value.String())
	}
}

// In a file a path counts from there, and a word that names no file stays one.
func TestReportsInAFile(t *testing.T) {
	place(t)
	write(t, "conf/c.yaml", "events: \"-\"\nmetrics: run.prom\nsummary: auto\njunit: auto\n")
	l := parsed(t)
	l.File = "conf/c.yaml"
	cfg, _, err := l.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := []string{cfg.Events, cfg.Metrics, cfg.Summary, cfg.JUnit}
	want := []string{Stdout, filepath.Join("conf", "run.prom"), Auto, filepath.Join("conf", "auto")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the files of reports (-want +got):\n%s", diff)
	}
}

// Several registries come in several flags, in a list of a file, and with commas between them.
func TestSeveralRegistries(t *testing.T) {
	want := []ref.Folder{{Host: "a.example.com"}, {Host: "b.example.com:5000", Path: "x"}}
	ways := map[string]func() *Loader{
		"flags": func() *Loader { return parsed(t, "--registry=a.example.com", "-r", "b.example.com:5000/x") },
		"environment": func() *Loader {
			t.Setenv("PGRELOCATE_REGISTRY", "a.example.com, b.example.com:5000/x")
			return NewLoader()
		},
		"file": func() *Loader {
			write(t, LocalFile, "registry:\n- a.example.com\n- b.example.com:5000/x\n")
			return NewLoader()
		},
		"a flag beats the rest": func() *Loader {
			write(t, LocalFile, "registry: [c.example.com, d.example.com]\n")
			return parsed(t, "--registry=a.example.com,b.example.com:5000/x")
		},
	}
	for name, set := range ways {
		t.Run(name, func(t *testing.T) {
			place(t)
			cfg, _, err := set().Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, cfg.Registries()); diff != "" {
				t.Errorf("Registries() (-want +got):\n%s", diff)
			}
		})
	}
}

// One registry named twice would be copied to twice.
func TestOneRegistryTwice(t *testing.T) {
	tests := []struct {
		names string
		twice bool
	}{
		{"a.example.com,a.example.com", true},
		{"a.example.com,a.example.com:443", true},
		{"docker.io/team,index.docker.io/team", true},
		{"a.example.com,a.example.com/x", false},
		{"a.example.com,a.example.com:5000", false},
	}
	for _, tt := range tests {
		place(t)
		_, _, err := parsed(t, "--registry="+tt.names).Load(t.Context())
		if got := err != nil && strings.Contains(err.Error(), "named twice"); got != tt.twice || (err != nil) != tt.twice {
			t.Errorf("--registry=%s: %v, want it refused: %v", tt.names, err, tt.twice)
		}
	}
}

// No two registries share a file, and each keeps its ending.
func TestFileOf(t *testing.T) {
	tests := []struct {
		of   ref.Folder
		want string
	}{
		{ref.Folder{Host: "a.example.com"}, "x/pgrelocate.a.example.com.lock"},
		{ref.Folder{Host: "a.example.com:5000"}, "x/pgrelocate.a.example.com_5000.lock"},
		{ref.Folder{Host: "a.example.com", Path: "5000"}, "x/pgrelocate.a.example.com+5000.lock"},
		{ref.Folder{Host: "a.example.com", Path: "b/c_d"}, "x/pgrelocate.a.example.com+b+c_d.lock"},
		{ref.Folder{Host: "a.example.com", Path: "b_c/d"}, "x/pgrelocate.a.example.com+b_c+d.lock"},
	}
	for _, tt := range tests {
		if got := FileOf("x/pgrelocate.lock", tt.of); got != tt.want {
			t.Errorf("FileOf(%v) = %q, want %q", tt.of, got, tt.want)
		}
	}
}
