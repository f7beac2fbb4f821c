package lock_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/bundletest"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

func locked(t *testing.T) *lock.Lock {
	t.Helper()
	l, err := bundletest.New(t).Content.Lock(nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestALockIsRead(t *testing.T) {
	l := locked(t)
	got, err := lock.Parse(l.Marshal())
	if diff := cmp.Diff(l, got); err != nil || diff != "" {
		t.Errorf("Parse(Marshal()) = %v:\n%s", err, diff)
	}
	slices.Reverse(l.Artifacts)
	slices.Reverse(l.Blobs)
	if string(l.Marshal()) != string(got.Marshal()) {
		t.Error("the same lock in another order gives other bytes")
	}
}

func TestLocksThatCannotBe(t *testing.T) {
	good := string(locked(t).Marshal())
	tests := []struct{ name, old, new, want string }{
		{"another schema", "lock/v2", "lock/v3", "another version"},
		{"an unknown field", `"schema"`, `"colour": "blue", "schema"`, "not a lock"},
		{"a repository that is none", `"/tanzu-sql-postgres/postgres-operator`, `"/UPPER/case`, "lock: "},
		{"a base that is not its folder", `"base": "tanzu-sql-postgres"`, `"base": "elsewhere"`, "is not below elsewhere"},
		{"a digest in another case", `"digest"`, `"Digest"`, "differ in how they read"},
		{"a size twice", `"size":512`, `"size":512,"size":512`, "differ in how they read"},
		{"a negative size", `"size":512`, `"size":-512`, "cannot be"},
	}
	for _, tt := range tests {
		body := strings.Replace(good, tt.old, tt.new, 1)
		if body == good {
			t.Fatalf("%s: nothing was changed", tt.name)
		}
		if _, err := lock.Parse([]byte(body)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Parse() = %v, want an error with %q", tt.name, err, tt.want)
		}
	}
	if _, err := lock.Parse([]byte(good + "{}")); err == nil {
		t.Error("Parse() of a lock and more = nil, want an error")
	}
}

// In a folder of the user's, earlier versions wrote no base: it is known from the registry, or from what all have in
// common. In the products' folders it is there, and what has no host is meant for any folder.
func TestSettle(t *testing.T) {
	in := func(host, repository, base string) lock.Artifact {
		a := lock.Artifact{Base: base}
		a.Target = ref.Reference{Host: host, Repository: repository, Tag: "v1"}
		return a
	}
	for name, tt := range map[string]struct {
		schema, path string
		artifacts    []lock.Artifact
		want         []string
	}{
		"the registry's folder": {lock.Earlier, "team/pg", []lock.Artifact{in("r", "team/pg/a", ""), in("r", "other/b", "")}, []string{"team/pg", ""}},
		"what is in common":     {lock.Earlier, "", []lock.Artifact{in("r", "team/pg/a", ""), in("r", "team/pg/sub/b", "")}, []string{"team/pg", "team/pg"}},
		"nothing in common":     {lock.Earlier, "", []lock.Artifact{in("r", "a", ""), in("r", "team/b", "")}, []string{"", ""}},
		"the product's folder":  {lock.Earlier, "team", []lock.Artifact{in("r", "team/a", "team/own")}, []string{"team/own"}},
		"a bundle's":            {lock.Earlier, "team", []lock.Artifact{in("", "team/a", "")}, []string{""}},
		"what was taken over":   {lock.Schema, "team", []lock.Artifact{in("r", "team/a", "team"), in("r", "team/b", "")}, []string{"team", "team"}},
		"a later lock":          {lock.Schema, "", []lock.Artifact{in("r", "team/a", "")}, []string{""}},
	} {
		l := &lock.Lock{Schema: tt.schema, Artifacts: tt.artifacts}
		l.Settle(tt.path)
		for i, want := range tt.want {
			if got := l.Artifacts[i].Base; got != want {
				t.Errorf("%s: Settle(%q) makes the base of %s %q, want %q", name, tt.path, l.Artifacts[i].Target, got, want)
			}
		}
	}
}

// What earlier versions wrote is read, and says the same.
func TestEarlierLocksAreRead(t *testing.T) {
	const digest = "sha256:00000000000000000000000000000000000000000000000000000000000000aa"
	const earlier = `{
 "schema": "pgrelocate.lock/v1",
 "artifacts": [
  {
   "product": "tanzu",
   "release": "v4.3.1",
   "role": "instance",
   "versions": [
    "17.5"
   ],
   "edition": "full",
   "source": {
    "host": "vendor.example.com",
    "repository": "postgres-instance",
    "tag": "v17.5-v4.3.1"
   },
   "target": {
    "host": "",
    "repository": "tanzu-sql-postgres/postgres-instance",
    "tag": "v17.5-v4.3.1"
   },
   "base": "tanzu-sql-postgres",
   "digest": "` + digest + `",
   "mediaType": "application/vnd.oci.image.manifest.v1+json",
   "size": 1034
  }
 ],
 "blobs": [
  {
   "digest": "` + digest + `",
   "size": 12,
   "repositories": [
    "tanzu-sql-postgres/postgres-instance"
   ]
  }
 ]
}
`
	l, err := lock.Parse([]byte(earlier))
	if err != nil {
		t.Fatal(err)
	}
	a := l.Artifacts[0]
	if got := a.Source.String() + " " + a.Target.String() + " " + a.Digest.String(); l.Schema != lock.Earlier ||
		got != "vendor.example.com/postgres-instance:v17.5-v4.3.1 tanzu-sql-postgres/postgres-instance:v17.5-v4.3.1 "+digest {
		t.Errorf("Parse() = %s of %s", got, l.Schema)
	}
	l.Schema = lock.Schema
	again, err := lock.Parse(l.Marshal())
	if diff := cmp.Diff(l, again); err != nil || diff != "" {
		t.Errorf("Parse(Marshal()) = %v:\n%s", err, diff)
	}
	for _, more := range []string{`"retired": true, "role"`, `"bytes": 1, "role"`, `"platforms": ["linux/amd64"], "role"`} {
		if _, err := lock.Parse([]byte(strings.Replace(earlier, `"role"`, more, 1))); err == nil || !strings.Contains(err.Error(), "more than") {
			t.Errorf("Parse(with %s) = %v, want an error", more, err)
		}
	}
	if _, err := lock.Parse([]byte(strings.Replace(earlier, `"host": ""`, `"colour": ""`, 1))); err == nil {
		t.Error("Parse(a reference with an unknown field) = nil, want an error")
	}
}

// TestLargeLockIsRead: what Marshal makes is never too much for Parse, however small what is
// in it may be.
func TestLargeLockIsRead(t *testing.T) {
	l := &lock.Lock{Schema: lock.Schema}
	digest := func(i int) v1.Hash { return v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%064x", i)} }
	for i := range 12_000 {
		reference := ref.Reference{Host: "a.io", Repository: "a", Tag: fmt.Sprint(i)}
		l.Artifacts = append(l.Artifacts, lock.Artifact{
			Artifact: versions.Artifact{Role: versions.RoleExtra, Source: reference, Target: reference}, Digest: digest(i), MediaType: "a/b", Size: 1,
		})
		reference.Tag = "a" + reference.Tag
		l.Attachments = append(l.Attachments, lock.Attachment{Source: reference, Target: reference, Digest: digest(i), MediaType: "a/b", Size: 1})
	}
	for i := range 45_000 { // as many as 12,000 artifacts come to
		l.Blobs = append(l.Blobs, lock.Blob{Digest: digest(i), Size: 1, Repositories: []string{"a"}})
	}
	body := l.Marshal()
	if _, err := lock.Parse(body); err != nil {
		t.Errorf("Parse() of %d bytes = %v", len(body), err)
	}
}

func TestADeltaOmitsWhatIsHeld(t *testing.T) {
	w := bundletest.New(t)
	all := locked(t)
	delta, err := w.Content.Lock(&lock.Lock{Schema: lock.Schema, Blobs: all.Blobs[:2]})
	if err != nil {
		t.Fatal(err)
	}
	if got := delta.Omitted(); len(got) != 2 || !delta.Omits() || all.Omits() {
		t.Errorf("Omitted() = %v, want the first two", got)
	}
}

// TestOutside: a lock that names a folder of its own choice is outside of the products'.
func TestOutside(t *testing.T) {
	folders := []string{"tanzu-sql-postgres", "other"}
	if got := locked(t).Outside(folders); len(got) != 0 {
		t.Errorf("Outside() = %v, want none", got)
	}
	l := locked(t)
	l.Artifacts[0].Base, l.Artifacts[0].Target.Repository = "", "platform/base-image"
	l.Attachments[0].Base, l.Attachments[0].Target.Repository = "platform", "platform/base-image"
	l.Attachments[1].Base, l.Attachments[1].Target.Repository = "", "tanzu-sql-postgres/no-base"
	want := []string{"platform/base-image", "tanzu-sql-postgres/no-base"}
	if diff := cmp.Diff(want, l.Outside(folders)); diff != "" {
		t.Errorf("Outside():\n%s", diff)
	}
	if got := l.Targets(ref.Folder{Host: "h", Path: "p"}); len(got) != len(l.Artifacts)+len(l.Attachments) || got[0].String() != "h/p/platform/base-image:"+got[0].Tag {
		t.Errorf("Targets() = %v", got)
	}
}

// holding is a registry that holds what a lock says, but for what differs.
type holding struct {
	lock    *lock.Lock
	in      ref.Folder
	differs map[string]v1.Hash // by tag; a zero one is missing
}

func (h holding) Resolve(_ context.Context, repository, tag string) (v1.Descriptor, error) {
	if digest, ok := h.differs[tag]; ok {
		if digest == (v1.Hash{}) {
			return v1.Descriptor{}, fmt.Errorf("%s: %w", tag, registry.ErrNotFound)
		}
		return v1.Descriptor{Digest: digest}, nil
	}
	for i, a := range h.lock.ArtifactsFor(h.in) {
		if a.Target.Repository == repository && a.Target.Tag == tag {
			return v1.Descriptor{Digest: h.lock.Artifacts[i].Digest}, nil
		}
	}
	return v1.Descriptor{}, errors.New("asked for something else")
}

func TestCompare(t *testing.T) {
	l := locked(t)
	held := holding{lock: l, in: ref.Folder{Host: "registry.example.com", Path: "mirror"}}
	if differs, err := l.Compare(t.Context(), held, held.in); err != nil || len(differs) != 0 {
		t.Errorf("Compare() = %v, %v, want no difference", differs, err)
	}
	other := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}
	held.differs = map[string]v1.Hash{"v17.5-v4.3.1": other}
	differs, err := l.Compare(t.Context(), held, held.in)
	if err != nil || len(differs) != 1 || !strings.Contains(differs[0].Error(), "mirror/postgres-instance:v17.5-v4.3.1 holds "+other.String()) {
		t.Errorf("Compare() = %v, %v, want the one that holds something else", differs, err)
	}
	held.differs["v17.5-v4.3.1"] = v1.Hash{}
	differs, err = l.Compare(t.Context(), held, held.in)
	if err != nil || len(differs) != 1 || !strings.Contains(differs[0].Error(), "is missing; the lock has sha256:") {
		t.Errorf("Compare() = %v, %v, want the one that is missing", differs, err)
	}
	l.Artifacts[0].Target.Tag = "v0"
	if _, err := l.Compare(t.Context(), holding{lock: locked(t), in: held.in}, held.in); err == nil {
		t.Error("Compare() with a registry that does not answer = nil, want an error")
	}
}
