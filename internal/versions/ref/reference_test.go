package ref

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pgrelocate/pgrelocate/internal/errortest"
)

const digest = "sha256:20cd8e22a7d0c903e608c3b21f9b344f81f19730047372e7bc499f5f0425b638"

func TestParseRegistry(t *testing.T) {
	tests := []struct {
		in   string
		want Folder
	}{
		{"registry.example.com", Folder{Host: "registry.example.com"}},
		{"registry.example.com/", Folder{Host: "registry.example.com"}},
		{"registry.example.com:5000/team/databases", Folder{Host: "registry.example.com:5000", Path: "team/databases"}},
		{"registry.example.com/a_b/c.d/e--f/", Folder{Host: "registry.example.com", Path: "a_b/c.d/e--f"}},
		{"localhost/x1", Folder{Host: "localhost", Path: "x1"}},
		{"127.0.0.1:5000", Folder{Host: "127.0.0.1:5000"}},
		{"127.0.0.1:65535", Folder{Host: "127.0.0.1:65535"}},
		{"[::1]:5000/mirror", Folder{Host: "[::1]:5000", Path: "mirror"}},
		{"registry:443/team", Folder{Host: "registry:443", Path: "team"}},
		{"registry.example.com/a", Folder{Host: "registry.example.com", Path: "a"}},
		{"docker.io", Folder{Host: "docker.io"}},
		{"docker.io/team", Folder{Host: "docker.io", Path: "team"}},
		{"index.docker.io/team", Folder{Host: "index.docker.io", Path: "team"}},
	}
	for _, tt := range tests {
		got, err := ParseFolder(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("ParseFolder(%q) = %+v, %v, want %+v", tt.in, got, err, tt.want)
		}
	}
}

func TestParseRegistryRefuses(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", `registry "": it is empty`},
		{"/", "registry /: the host is missing"},
		{"https://registry.example.com", `registry https://registry.example.com: it starts with a scheme such as "https://"; leave that out`},
		{"oci://registry.example.com/x", `registry oci://registry.example.com/x: it starts with a scheme such as "https://"; leave that out`},
		{"Registry.Example.com", "registry Registry.Example.com: the host is not in lower case; write registry.example.com"},
		{"registry.example.com/Team", "registry registry.example.com/Team: a repository is in lower case; write team"},
		{"registry.example.com /x", `registry "registry.example.com /x": it contains a space or a control character`},
		{"registry.example.com\n", `registry "registry.example.com\n": it contains a space or a control character`},
		{"registry.example.com//x", "registry registry.example.com//x: it contains an empty path element"},
		{"registry.example.com/../x", "registry registry.example.com/../x: ../x is no repository"},
		{"registry.example.com/x:v1", "registry registry.example.com/x:v1: it names a tag; write HOST[/PATH]"},
		{"registry.example.com/" + strings.Repeat("a/", 128) + "a", `registry "registry.example.com/` + strings.Repeat("a/", 29) + `a…": ` + `"` + strings.Repeat("a/", 40) + `…" is no repository; it is longer than 255 characters`},
		{"registry/team", "registry registry/team: other tools look for registry on Docker Hub; write the host with its domain or port, such as registry:443"},
		{"registry.example.com:99999999", "registry registry.example.com:99999999: 99999999 is no port; they go from 1 to 65535"},
		{"registry.example.com:65536/team", "registry registry.example.com:65536/team: 65536 is no port; they go from 1 to 65535"},
		{"[::1]:70000", `registry "[::1]:70000": 70000 is no port; they go from 1 to 65535`},
		{"registry.example.com:0", "registry registry.example.com:0: 0 is no port; they go from 1 to 65535"},
		{"-x.example.com", "registry -x.example.com: -x.example.com is no host"},
		{"registry.example.com:port", "registry registry.example.com:port: registry.example.com:port is no host"},
		{"user:secret@registry.example.com", `registry: it contains an "@"; write HOST[/PATH], without credentials and without a digest`},
		{"https://user:secret@registry.example.com", `registry: it contains an "@"; write HOST[/PATH], without credentials and without a digest`},
		{strings.Repeat("a.", 600), `registry "` + strings.Repeat("a.", 40) + `…": it is longer than 1024 characters`},
	}
	for _, tt := range tests {
		if got, err := ParseFolder(tt.in); errortest.Message(err) != tt.want || !got.IsZero() {
			t.Errorf("ParseFolder(%.60q) = %v, %q, want %q", tt.in, got, errortest.Message(err), tt.want)
		}
	}
}

func TestRegistryText(t *testing.T) {
	in := Folder{Host: "registry.example.com", Path: "team"}
	data, err := json.Marshal(in)
	if err != nil || string(data) != `"registry.example.com/team"` {
		t.Fatalf("Marshal(%v) = %s, %v", in, data, err)
	}
	var back Folder
	if err := json.Unmarshal(data, &back); err != nil || back != in {
		t.Errorf("Unmarshal(%s) = %v, %v, want %v", data, back, err, in)
	}
	if err := json.Unmarshal([]byte(`""`), &back); err != nil || !back.IsZero() {
		t.Errorf(`Unmarshal("") = %v, %v, want no registry`, back, err)
	}
	if err := json.Unmarshal([]byte(`"x y"`), &back); err == nil {
		t.Error(`Unmarshal("x y") = nil, want an error`)
	}
}

func TestParseReference(t *testing.T) {
	tests := []struct {
		in   string
		want Reference
	}{
		{"registry.example.com/ab", Reference{Host: "registry.example.com", Repository: "ab"}},
		{"registry.example.com:5000/a/b:v1", Reference{Host: "registry.example.com:5000", Repository: "a/b", Tag: "v1"}},
		{"localhost/a:b", Reference{Host: "localhost", Repository: "a", Tag: "b"}},
		{"localhost/ab:V_1.0-x", Reference{Host: "localhost", Repository: "ab", Tag: "V_1.0-x"}},
		{"[::1]:5000/ab@" + digest, Reference{Host: "[::1]:5000", Repository: "ab", Digest: digest}},
		{"docker.io/library/postgres:17", Reference{Host: "docker.io", Repository: "library/postgres", Tag: "17"}},
		{"registry.example.com/a/b:v1@" + digest, Reference{Host: "registry.example.com", Repository: "a/b", Tag: "v1", Digest: digest}},
	}
	for _, tt := range tests {
		got, err := Parse(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", tt.in, got, err, tt.want)
		}
		if got.String() != tt.in {
			t.Errorf("Parse(%q).String() = %q, want it back", tt.in, got)
		}
	}
}

func TestParseReferenceRefuses(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", `reference "": it is empty`},
		{"registry.example.com", "reference registry.example.com: the repository is missing"},
		{"registry.example.com/", "reference registry.example.com/: the repository is missing"},
		{"postgres/postgres:17", "reference postgres/postgres:17: other tools look for postgres on Docker Hub; write the host with its domain or port, such as postgres:443"},
		{"registry.example.com:65536/ab:v1", "reference registry.example.com:65536/ab:v1: 65536 is no port; they go from 1 to 65535"},
		{"registry.example.com/ab:", `reference registry.example.com/ab:: "" is no tag`},
		{"registry.example.com/ab:.x", "reference registry.example.com/ab:.x: .x is no tag"},
		{"registry.example.com/ab:a:b", "reference registry.example.com/ab:a:b: a:b is no tag"},
		{"registry.example.com/ab:" + strings.Repeat("x", 129), `reference "registry.example.com/ab:` + strings.Repeat("x", 56) + `…": "` + strings.Repeat("x", 80) + `…" is no tag`},
		{"registry.example.com/Ab", "reference registry.example.com/Ab: a repository is in lower case; write ab"},
		{"user:secret@registry.example.com/ab", `reference: what follows the "@" is no digest; write sha256: and 64 hexadecimal digits, and no credentials`},
		{"registry.example.com/ab@sha256:12", `reference: what follows the "@" is no digest; write sha256: and 64 hexadecimal digits, and no credentials`},
		{"registry.example.com/" + strings.Repeat("a", 256), `reference "registry.example.com/` + strings.Repeat("a", 59) + `…": "` + strings.Repeat("a", 80) + `…" is no repository; it is longer than 255 characters`},
		{"docker.io/postgres:17", "reference docker.io/postgres:17: no repository of Docker Hub is outside a namespace; write docker.io/library/postgres or docker.io/NAMESPACE/postgres"},
		{"index.docker.io/postgres", "reference index.docker.io/postgres: no repository of Docker Hub is outside a namespace; write index.docker.io/library/postgres or index.docker.io/NAMESPACE/postgres"},
		{"http://registry.example.com/ab", `reference http://registry.example.com/ab: it starts with a scheme such as "https://"; leave that out`},
	}
	for _, tt := range tests {
		if got, err := Parse(tt.in); errortest.Message(err) != tt.want || !got.IsZero() {
			t.Errorf("Parse(%.60q) = %v, %q, want %q", tt.in, got, errortest.Message(err), tt.want)
		}
	}
}

func TestReferenceWithoutHost(t *testing.T) {
	r := Folder{Path: "tanzu-sql-postgres"}.Reference("postgres-operator", "v4.3.1")
	if got := r.String(); got != "tanzu-sql-postgres/postgres-operator:v4.3.1" {
		t.Errorf("String() = %q, want the repository and the tag", got)
	}
}

// What these functions accept, the name package reads in the same way, so that nothing
// that was checked here is sent elsewhere.
func checkWithNamePackage(t *testing.T, r Reference) {
	t.Helper()
	parsed, err := name.ParseReference(r.String(), name.StrictValidation)
	if err != nil && r.Tag == "" && r.Digest == "" {
		return // the name package wants one of the two
	}
	if err != nil {
		t.Fatalf("name.ParseReference(%q) = %v, want it accepted", r, err)
	}
	if parsed.Context().RepositoryStr() != r.Repository && r.Host != "docker.io" {
		t.Errorf("name.ParseReference(%q) has repository %s, want %s", r, parsed.Context().RepositoryStr(), r.Repository)
	}
}

func FuzzParseReference(f *testing.F) {
	for _, seed := range []string{"", "registry.example.com/a/b:v1", "localhost/ab@" + digest, "user:secret@x.y/ab", "[::1]:5000/ab:x", "a.b:1/c/d:e@" + digest, "x.y/ab:\x1b", "docker.io/ab:c", "index.docker.io/ab:c", "x.y/a:b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		r, err := Parse(in)
		if err != nil {
			return
		}
		if r.String() != in {
			t.Errorf("Parse(%q).String() = %q, want it back", in, r)
		}
		checkWithNamePackage(t, r)
	})
}

func FuzzParseRegistry(f *testing.F) {
	for _, seed := range []string{"", "registry.example.com", "registry.example.com:5000/team/", "https://x.y", "user:secret@x.y", "X.Y", "x.y/../z", "[::1]:5000", "docker.io", "index.docker.io", "docker.io/team", "x.y/a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		r, err := ParseFolder(in)
		if err != nil {
			if before, _, found := strings.Cut(in, "@"); found && len(before) > 12 && strings.Contains(err.Error(), before) {
				t.Errorf("ParseFolder(%q) = %q: it repeats what may be a password", in, err)
			}
			return
		}
		if r.String() != strings.TrimSuffix(in, "/") {
			t.Errorf("ParseFolder(%q).String() = %q, want it back", in, r)
		}
		// A folder is no repository yet: Select checks what the two are together.
		if ref := r.Reference("postgres-operator", "v4.3.1"); CheckRepository(ref.Host, ref.Repository) == nil {
			checkWithNamePackage(t, ref)
		}
	})
}
